"""Opens tasks for the clips of a recording once it is ready, and ends the work when it may not be seen any more."""

from __future__ import annotations

from uuid import UUID

from app.annotation.service import close_work, erase_drafts, open_tasks, reopen_work
from app.jobs.context import JobContext
from app.jobs.task import task


@task("annotation.open_tasks")
def open_tasks_of(job: JobContext, *, recording_id: UUID) -> None:
    """One task a clip; running it again opens nothing twice."""
    with job.db.transaction() as session:
        open_tasks(session, recording_id)


@task("annotation.close_work")
def close_work_on(job: JobContext, *, recording_id: UUID) -> None:
    """Closes open assignments of a quarantined recording."""
    with job.db.transaction() as session:
        close_work(session, recording_id)


@task("annotation.reopen_work")
def reopen_work_on(job: JobContext, *, recording_id: UUID) -> None:
    """Gives them back once it is cleared; what the quarantine kept from being opened is opened now."""
    with job.db.transaction() as session:
        reopen_work(session, recording_id)
        open_tasks(session, recording_id)


@task("annotation.erase_drafts")
def erase_drafts_of(job: JobContext, *, recording_id: UUID) -> None:
    """Removes unaccepted labels of an erased recording."""
    with job.db.transaction() as session:
        erase_drafts(session, recording_id)
