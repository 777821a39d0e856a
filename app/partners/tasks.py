"""Jobs of agreements: time ends them."""

from __future__ import annotations

from app.jobs import JobContext, task
from app.partners import service


@task("partners.end_expired", cron="*/10 * * * *")
def end_expired(job: JobContext) -> None:
    """Ends agreements that are past their last day."""
    with job.db.transaction() as session:
        service.end_expired_agreements(session)
