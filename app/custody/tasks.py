"""Jobs of custody: erasing, saying what is due, and papers for what was received long ago."""

from __future__ import annotations

from uuid import UUID

from app.core.clock import now
from app.custody import service
from app.jobs import JobContext, task
from app.recordings.service import remove_idle
from app.storage.vault import Vault
from app.uploads.service import Staging

PATIENCE = 66  # of a store that is away: about ten hours, and then the sweep begins again


@task("custody.erase", max_attempts=PATIENCE)
def erase(job: JobContext, *, erasure_id: UUID) -> None:
    """Destroys the keys, removes every byte of the recording, then says in the log what was destroyed."""
    job.begin("erasure", erasure_id)
    vault = job.resource(Vault)
    with job.db.transaction() as session:
        job.confirm(session)
        doomed = service.begin_erasure(session, vault, erasure_id)
    if doomed is None:
        return
    Staging(job.settings.uploads_dir).discard(doomed.recording_id)  # a recording has its upload's id
    remove_idle(job.settings.work_dir, doomed.recording_id)
    service.remove_objects(vault, doomed, job.check)
    with job.db.transaction() as session:
        job.confirm(session)
        service.finish_erasure(session, doomed)


@task("custody.mark_due", cron="11 4 * * *")
def mark_due(job: JobContext) -> None:
    """Opens a retention review of every recording whose time is up."""
    service.mark_due(job.db, now().date())


@task("custody.sweep", cron="*/5 * * * *")
def sweep(job: JobContext) -> None:
    """Goes on with erasures whose job gave up, and writes receipts that are missing."""
    service.resume_erasures(job.db)
    service.write_missing(job.db)
