"""Opens tasks for the clips of a recording once it is ready."""

from __future__ import annotations

from uuid import UUID

from app.annotation.service import open_tasks
from app.jobs.context import JobContext
from app.jobs.task import task


@task("annotation.open_tasks")
def open_tasks_of(job: JobContext, *, recording_id: UUID) -> None:
    """One task a clip; running it again opens nothing twice."""
    with job.db.transaction() as session:
        open_tasks(session, recording_id)
