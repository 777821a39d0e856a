"""Background jobs on PostgreSQL: enqueued with the state they belong to, taken over when their worker dies.

A feature's `tasks.py` declares `@task("recordings.normalise")`; any service enqueues it by that name with
`defer(session, "recordings.normalise", recording_id=…)`, in its own transaction.
"""

from app.jobs.context import JobContext
from app.jobs.errors import AlreadyQueued, DoubtfulFault, JobAborted, MachineFault, Superseded
from app.jobs.models import JobProgress
from app.jobs.progress import newest_progress, progress_of
from app.jobs.queue import another_runs, cancel, cancel_about, defer, status_of
from app.jobs.task import ASKED_FOR, MEDIA_QUEUE, task
from app.jobs.waiting import (
    MOST_COUNTED,
    MachineWait,
    Waiting,
    machine_waits,
    machine_waits_by_job,
    waiting,
    waiting_by,
)

__all__ = [
    "ASKED_FOR",
    "MEDIA_QUEUE",
    "MOST_COUNTED",
    "AlreadyQueued",
    "DoubtfulFault",
    "JobAborted",
    "JobContext",
    "JobProgress",
    "MachineFault",
    "MachineWait",
    "Superseded",
    "Waiting",
    "another_runs",
    "cancel",
    "cancel_about",
    "defer",
    "machine_waits",
    "machine_waits_by_job",
    "newest_progress",
    "progress_of",
    "status_of",
    "task",
    "waiting",
    "waiting_by",
]
