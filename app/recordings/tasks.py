"""Jobs of recordings."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from uuid import UUID

from app.jobs import JobAborted, JobContext, MachineFault, Superseded, task
from app.recordings import service
from app.recordings.service import Attempt
from app.settings import Settings
from app.storage.vault import Vault
from app.uploads.service import Staging
from ingest import errors as ingest_errors
from ingest.ffmpeg import find_tools
from ingest.pipeline import Progress, ingest
from ingest.profiles import DEFAULT_PROFILE
from ingest.report import Report


@task("recordings.register")
def register(job: JobContext, *, upload_id: UUID) -> None:
    """Turns a verified upload into an encrypted recording."""
    service.register(job.db, job.resource(Vault), Staging(job.settings.uploads_dir), upload_id, job.check)


@task("recordings.normalise")
def normalise(job: JobContext, *, recording_id: UUID) -> None:
    """Derives everything from the original, and makes it count exactly once."""
    job.begin("recording", recording_id)
    with job.db.transaction() as session:
        job.confirm(session)
        attempt = service.begin_attempt(session, recording_id)
    if attempt is None:
        return
    vault = job.resource(Vault)
    try:
        with service.job_directory(job.settings.work_dir) as directory:
            _normalise(job, vault, attempt, directory)
    except Superseded:
        service.remove_strays(job.db, vault, f"{attempt.prefix}/")
        raise
    service.remove_strays(job.db, vault, f"recordings/{recording_id}/")


def _normalise(job: JobContext, vault: Vault, attempt: Attempt, directory: Path) -> None:
    job.progress("fetch")
    source, out = directory / "original", directory / "out"
    service.fetch_original(vault, attempt, source, job.check)
    try:
        report = _ingest(job, source, out)
    except ingest_errors.FileRejected as refused:
        with job.db.transaction() as session:
            job.confirm(session)
            service.reject_attempt(session, attempt, refused.reason_code, refused.message)
        return
    except ingest_errors.MachineFault as fault:
        raise MachineFault(str(fault)) from fault
    except ingest_errors.Cancelled as cancelled:
        raise JobAborted from cancelled
    job.progress("store")
    service.store_outputs(vault, attempt, out, report, job.check)
    with job.db.transaction() as session:
        job.confirm(session)
        service.commit_outputs(session, attempt, report)


def _ingest(job: JobContext, source: Path, out: Path) -> Report:
    settings: Settings = job.settings
    tools = find_tools({"CORDON_FFMPEG": settings.ffmpeg, "CORDON_FFPROBE": settings.ffprobe})

    def on_progress(at: Progress) -> None:
        job.progress(at.stage, done=round(100 * at.fraction, 1), total=100, unit="%")

    return ingest(
        source,
        out,
        profile=replace(DEFAULT_PROFILE, clip_seconds=settings.clip_seconds),
        tools=tools,
        on_progress=on_progress,
        should_stop=job.should_abort,
    )


@task("recordings.compare")
def compare(job: JobContext, *, recording_id: UUID) -> None:
    """Finds which other recordings hold the same footage."""
    with job.db.transaction() as session:
        service.find_duplicates(session, recording_id, job.check)


@task("recordings.sweep", cron="*/2 * * * *")
def sweep(job: JobContext) -> None:
    """Ends what cannot end by itself and removes the directories of dead workers."""
    service.fail_abandoned(job.db)
    service.remove_abandoned(job.settings.work_dir)


@task("recordings.sweep_objects", cron="23 3 * * *")
def sweep_objects(job: JobContext) -> None:
    """Removes objects that crashed attempts left in the store."""
    service.remove_strays(job.db, job.resource(Vault))
