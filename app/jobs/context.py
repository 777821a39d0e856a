"""What a task is given: the database, shared resources, and its ways to report, to stop and to commit once."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy.orm import Session

from app.core.db import Database
from app.jobs import progress
from app.jobs.errors import JobAborted
from app.settings import Settings

T = TypeVar("T")
Resources = Mapping[type[Any], Any]
REPORT_SECONDS = 0.5


def never() -> bool:
    """For a job that nobody can abort."""
    return False


class JobContext:
    """One attempt of one job. `attempt` counts from 1; recoveries and retries both count.

    The shape of a task that commits exactly once::

        @task("recordings.normalise")
        def normalise(job: JobContext, *, recording_id: UUID) -> None:
            job.begin("recording", recording_id)
            prefix = f"recordings/{recording_id}/{job.attempt_key}"   # objects of this attempt only
            for frame in work:
                job.check()                                            # raises JobAborted
                job.progress("normalise", done=frame.seconds, total=duration, unit="s")
            with job.db.transaction() as session:
                job.confirm(session)                                   # raises Superseded
                ...                                                    # make the objects count
    """

    def __init__(
        self,
        resources: Resources,
        *,
        job_id: int,
        attempt: int,
        should_abort: Callable[[], bool] = never,
    ) -> None:
        self._resources = resources
        self.id = job_id
        self.attempt = attempt
        self.should_abort = should_abort
        self._reported: tuple[str, float] = ("", 0.0)

    @property
    def db(self) -> Database:
        """The worker's connection pool."""
        return self.resource(Database)

    @property
    def settings(self) -> Settings:
        return self.resource(Settings)

    def resource(self, kind: type[T]) -> T:
        """A shared resource by its type, as `core.http.resource` (the Vault, …). Raises KeyError."""
        found: T = self._resources[kind]
        return found

    @property
    def attempt_key(self) -> str:
        """Names this attempt within object keys: unique among all attempts of all jobs."""
        return f"job{self.id}-{self.attempt}"

    def check(self) -> None:
        """Raises JobAborted when someone cancelled the job or the worker is shutting down; asks no database."""
        if self.should_abort():
            raise JobAborted

    def begin(self, subject_kind: str, subject_id: UUID) -> None:
        """Makes this attempt the one that may commit, and its progress visible. Raises Superseded."""
        with self.db.transaction() as session:
            progress.begin(
                session,
                job_id=self.id,
                attempt=self.attempt,
                subject_kind=subject_kind,
                subject_id=subject_id,
            )

    def progress(self, step: str, done: float = 0, total: float | None = None, unit: str = "") -> None:
        """Reports, in a short transaction of its own; within a step at most twice a second. Needs `begin`.

        Raises Superseded, so that an attempt that was replaced stops early.
        """
        last_step, last_time = self._reported
        if step == last_step and time.monotonic() - last_time < REPORT_SECONDS:
            return
        with self.db.transaction() as session:
            progress.report(
                session, job_id=self.id, attempt=self.attempt, step=step, done=done, total=total, unit=unit
            )
        self._reported = (step, time.monotonic())

    def confirm(self, session: Session) -> None:
        """Call first in the transaction that makes this attempt's outputs count. Raises Superseded."""
        progress.confirm(session, job_id=self.id, attempt=self.attempt)
