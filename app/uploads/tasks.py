"""Jobs of uploads."""

from __future__ import annotations

from uuid import UUID

from app.jobs import JobContext, task
from app.uploads import service
from app.uploads.service import Staging


@task("uploads.complete")
def complete(job: JobContext, *, upload_id: UUID) -> None:
    """Hashes what was received and hands it on, or rejects it."""
    service.complete(job.db, Staging(job.settings.uploads_dir), upload_id, job.check)


@task("uploads.sweep", cron="*/5 * * * *")
def sweep(job: JobContext) -> None:
    """Ends expired uploads and frees their room."""
    service.sweep(job.db, Staging(job.settings.uploads_dir))
