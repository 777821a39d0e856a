"""Jobs of accounts: what has expired is removed."""

from __future__ import annotations

from app.accounts.service import sweep_expired
from app.core import idempotency
from app.jobs import JobContext, task


@task("accounts.sweep", cron="*/5 * * * *")
def sweep(job: JobContext) -> None:
    """Removes expired tokens, assertions that could not be replayed anyway, and Idempotency-Keys of yesterday."""
    with job.db.transaction() as session:
        sweep_expired(session)
        idempotency.sweep(session)
