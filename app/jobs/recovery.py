"""Taking over the jobs of dead workers, by Procrastinate's documented recipe.

A worker says every 10 s that it lives. One that has not for 30 s is dead or stopped, whatever the length of its
job, and its jobs go back to the queue as their next attempt. (Its documentation:
"Retry stalled jobs".)
"""

from __future__ import annotations

import logging

from procrastinate import App
from procrastinate.exceptions import UniqueViolation
from procrastinate.job_context import JobContext as RawContext
from procrastinate.jobs import Status

from app.jobs import tally

log = logging.getLogger(__name__)
RECOVER = "jobs.recover"
PRUNE = "jobs.prune"
EVERY_10_SECONDS = "* * * * * */10"
HOURLY = "17 * * * *"
STALLED_SECONDS = 30.0
MAX_TAKEOVERS = 5  # a job that has taken its worker down five times would take down the sixth
KEEP_HOURS = 24 * 7


async def recover(context: RawContext, timestamp: int, _tally: object = None) -> None:
    """Puts every stalled job back into the queue; gives up on one that was taken over MAX_TAKEOVERS times.

    Waiting for a full disk or a store that is away is not counted, nor are workers that handed it back."""
    manager = context.app.job_manager
    for job in await manager.get_stalled_jobs(seconds_since_heartbeat=STALLED_SECONDS):
        extra = {"job": job.id, "task": job.task_name, "attempt": job.attempts + 1, "noticed": timestamp}
        if tally.met(job, "takeover") >= MAX_TAKEOVERS:
            log.error("job given up: its workers keep dying", extra=extra)
            await manager.finish_job(job, Status.FAILED, delete_job=False)
        else:
            log.warning("job taken over from a dead worker", extra=extra)
            await context.app.connector.execute_query_async(tally.COUNT, **tally.parameters(job, "takeover"))
            try:
                await manager.retry_job(job)
            except UniqueViolation:  # its successor under the same queueing lock waits already
                await manager.finish_job(job, Status.FAILED, delete_job=False)
    await context.app.connector.execute_query_async(
        "DELETE FROM procrastinate_jobs WHERE task_name = %(name)s AND status = 'succeeded'", name=RECOVER
    )


async def prune(context: RawContext, timestamp: int, _tally: object = None) -> None:
    """Removes the rows of jobs that ended a week before `timestamp`."""
    log.debug("pruning finished jobs", extra={"noticed": timestamp})
    await context.app.job_manager.delete_old_jobs(
        KEEP_HOURS, include_failed=True, include_cancelled=True, include_aborted=True
    )


def register(app: App) -> None:
    """Adds both to the app. `queueing_lock`, not `lock`: a recovery that itself stalled must not block the next."""
    for name, cron, function in ((RECOVER, EVERY_10_SECONDS, recover), (PRUNE, HOURLY, prune)):
        declare = app.task(name=name, queue="jobs", queueing_lock=name, priority=100, pass_context=True)
        app.periodic(cron=cron)(declare(function))
