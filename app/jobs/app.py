"""The worker's side of Procrastinate: the app with every declared task, retries, and finishing behind a fence."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any, get_type_hints
from uuid import UUID

from procrastinate import App, PsycopgConnector, RetryDecision
from procrastinate.job_context import JobContext as RawContext
from procrastinate.jobs import Job, Status
from procrastinate.manager import JobManager
from procrastinate.retry import BaseRetryStrategy

from app.core.clock import now
from app.core.logging import request_id_var
from app.jobs import recovery, tally
from app.jobs.context import JobContext, Resources
from app.jobs.errors import JobAborted, Superseded
from app.jobs.faults import is_machines
from app.jobs.task import TaskSpec, queue_of

log = logging.getLogger(__name__)
RESOURCES = "resources"
FEW_ATTEMPTS = 4
MANY_ATTEMPTS = 66  # about ten hours of them
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=5), timedelta(minutes=10)


class Backoff(BaseRetryStrategy):
    """Tries the machine's faults again after 5 s, 10 s, 20 s … up to 10 minutes; a shutdown's at once. Neither its
    hand-backs nor dead workers use up a job's tries. With `max_attempts` None an outage never ends it; any other
    fault, which may be the service's own, does at last, so that a person is told."""

    def __init__(self, max_attempts: int | None) -> None:
        self.max_attempts = max_attempts

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        if isinstance(exception, JobAborted):
            return RetryDecision(
                retry_at=now()
            )  # asked only when the worker shuts down, not for a cancelled job
        kind = tally.kind_of(exception)
        before, most = tally.met(job, kind), self._most(kind)
        if not is_machines(exception) or (most is not None and before + 1 >= most):
            return None
        pause = min(FIRST_PAUSE * 2 ** min(before, 16), LONGEST_PAUSE)
        return RetryDecision(retry_at=now() + pause)

    def _most(self, kind: tally.End) -> int | None:
        """How often a job may end so; None for as often as it takes."""
        if kind == "doubt":
            return FEW_ATTEMPTS
        if kind == "fault" and self.max_attempts is None:
            return MANY_ATTEMPTS
        return self.max_attempts


class FencedJobManager(JobManager):
    """Lets only the present attempt decide how its job ends.

    Procrastinate's own calls name the job alone, so a worker that was stopped, replaced and then continued would
    mark its successor's running job as finished.
    """

    async def finish_job(self, job: Job, status: Status, delete_job: bool) -> None:
        if await self._is_present_attempt(job):
            await super().finish_job(job, status, delete_job)

    async def retry_job(self, job: Job, *args: Any, **kwargs: Any) -> None:
        if await self._is_present_attempt(job):
            await super().retry_job(job, *args, **kwargs)

    async def _is_present_attempt(self, job: Job) -> bool:
        found = await self.connector.execute_query_all_async(
            "SELECT 1 FROM procrastinate_jobs WHERE id = %(id)s AND attempts = %(attempts)s AND status = 'doing'",
            id=job.id,
            attempts=job.attempts,
        )
        if not found:
            log.warning("a replaced attempt ended", extra={"job": job.id, "attempt": job.attempts + 1})
        return bool(found)


def job_app(database_url: str, tasks: Iterable[TaskSpec] = ()) -> App:
    """Procrastinate's app on this database (SQLAlchemy or libpq URL): these tasks and the recovery of stalled jobs."""
    connector = PsycopgConnector(conninfo=libpq_url(database_url), min_size=1, max_size=4)
    app = App(connector=connector)
    app.job_manager = FencedJobManager(connector)
    recovery.register(app)
    for spec in tasks:
        registered = app.task(
            name=spec.name,
            queue=queue_of(spec.name),
            retry=Backoff(spec.max_attempts),
            queueing_lock=spec.name if spec.cron else None,  # a busy worker does not pile up what time brings
            pass_context=True,
        )(_runner(spec))
        if spec.cron is not None:
            app.periodic(cron=spec.cron)(registered)
    return app


def libpq_url(url: str) -> str:
    """The URL without SQLAlchemy's driver name, as libpq wants it."""
    scheme, separator, rest = url.partition("://")
    return scheme.partition("+")[0] + separator + rest


def _runner(spec: TaskSpec) -> Callable[..., None]:
    """What Procrastinate calls, in a thread: builds the context, restores UUIDs, logs how it ended."""
    uuids = {name for name, kind in get_type_hints(spec.function).items() if kind is UUID}

    def run(raw: RawContext, **args: Any) -> None:
        args.pop(tally.NAME, None)
        if spec.cron is not None:
            args.pop("timestamp", None)
        resources: Resources = raw.additional_context[RESOURCES]
        job_id, attempt = raw.job.id or 0, raw.job.attempts + 1
        job = JobContext(resources, job_id=job_id, attempt=attempt, should_abort=raw.should_abort)
        extra: dict[str, object] = {"task": spec.name, "job": job_id, "attempt": attempt}
        token = request_id_var.set(f"job-{job_id}")
        started = time.monotonic()
        try:
            spec.function(job, **{k: UUID(v) if k in uuids and v else v for k, v in args.items()})
            level = logging.DEBUG if spec.cron else logging.INFO
            log.log(level, "job done", extra=extra | {"seconds": round(time.monotonic() - started, 3)})
        except Superseded as error:
            log.warning("job gives way", extra=extra | {"reason": str(error)})
        except Exception as error:
            if is_machines(error):
                log.warning("job met a fault of the machine", extra=extra | {"error": repr(error)})
                with job.db.transaction() as session:
                    tally.count(session, raw.job, error)
            raise
        finally:
            request_id_var.reset(token)

    return run
