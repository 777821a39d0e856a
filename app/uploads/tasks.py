"""Jobs of uploads."""

from __future__ import annotations

from uuid import UUID

from app.jobs import JobContext, task
from app.storage.vault import Vault
from app.uploads import service
from app.uploads.service import Staging


@task("uploads.complete")
def complete(job: JobContext, *, upload_id: UUID) -> None:
    """Hashes and screens what was received and hands it on, or rejects it."""
    staging, store = Staging(job.settings.uploads_dir), job.resource(Vault).store
    screens = service.screens_of(job.settings)
    service.complete(job.db, staging, upload_id, job.check, store=store, screens=screens)


@task("uploads.sweep", cron="*/5 * * * *")
def sweep(job: JobContext) -> None:
    """Ends expired uploads and frees their room."""
    service.sweep(job.db, Staging(job.settings.uploads_dir), job.resource(Vault).store)


@task("uploads.recount", cron="13 3 * * *")
def recount(job: JobContext) -> None:
    """Counts anew what every force keeps."""
    service.recount(job.db)
