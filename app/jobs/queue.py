"""Enqueueing and cancelling on the caller's own transaction: state, audit row and job commit together or not at all."""

from __future__ import annotations

import json
import logging
from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg
from procrastinate import App, SyncPsycopgConnector
from procrastinate.exceptions import AlreadyEnqueued
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.core.clock import now
from app.jobs.errors import AlreadyQueued
from app.jobs.task import queue_of

logging.getLogger("procrastinate").setLevel(logging.WARNING)  # several lines a job; ours say it in one
_PRODUCER = App(connector=SyncPsycopgConnector())  # never opened: every call brings its connection


def defer(
    session: Session,
    name: str,
    *,
    queue: str | None = None,
    priority: int = 0,
    lock: str | None = None,
    queueing_lock: str | None = None,
    schedule_in: timedelta | None = None,
    **args: Any,
) -> int:
    """Enqueues the task `name` (`feature.verb`) when `session` commits; returns the job's id.

    `lock`: no two jobs of one lock run at the same time, and they run in order. `queueing_lock`: no two wait at
    the same time; AlreadyQueued is raised for the second and the session stays usable. Higher `priority` goes
    first. `args` must be JSON, or UUIDs, which the task gets back as UUIDs.
    """
    session.flush()
    deferrer = _PRODUCER.configure_task(
        name,
        queue=queue or queue_of(name),
        priority=priority,
        lock=lock,
        queueing_lock=queueing_lock,
        schedule_at=None if schedule_in is None else now() + schedule_in,
        connection=_driver(session),
    )
    plain = {key: str(value) if isinstance(value, UUID) else value for key, value in args.items()}
    if queueing_lock is None:
        return deferrer.defer(**plain)
    try:
        with session.connection().begin_nested():
            return deferrer.defer(**plain)
    except AlreadyEnqueued:
        raise AlreadyQueued(queueing_lock) from None


def cancel(session: Session, job_id: int) -> bool:
    """Cancels a waiting job, or asks a running one to stop (its `check()` raises), when `session` commits.

    Returns False when there is no such job or it has ended.
    """
    return _PRODUCER.job_manager.cancel_job_by_id(job_id, abort=True, connection=_driver(session))


def cancel_about(session: Session, subject_kind: str, subject_id: UUID) -> None:
    """Cancels, as `cancel` does, every job that began on a subject and has not ended. One that never began is left:
    it looks at its subject first, which the caller has changed."""
    query = text(
        "SELECT job_id FROM job_progress JOIN procrastinate_jobs ON id = job_id "
        "WHERE subject_kind = :kind AND subject_id = :subject AND status IN ('todo', 'doing')"
    )
    for job_id in session.scalars(query, {"kind": subject_kind, "subject": subject_id}).all():
        cancel(session, job_id)


def another_runs(session: Session, job_id: int, name: str, **args: Any) -> bool:
    """True while an earlier job of the task `name` with these arguments runs, or its worker died just now."""
    query = text(
        "SELECT EXISTS (SELECT 1 FROM procrastinate_jobs WHERE status = 'doing' AND id < :id AND task_name = :name "
        "AND args @> CAST(:args AS jsonb))"
    )
    plain = json.dumps({key: str(value) if isinstance(value, UUID) else value for key, value in args.items()})
    return bool(session.scalar(query, {"id": job_id, "name": name, "args": plain}))


def status_of(session: Session, job_id: int) -> str | None:
    """`todo`, `doing`, `succeeded`, `failed`, `cancelled` or `aborted`; None once the finished row is pruned."""
    query = text("SELECT status::text FROM procrastinate_jobs WHERE id = :id")
    status: str | None = session.execute(query, {"id": job_id}).scalar()
    return status


def _driver(session: Session) -> psycopg.Connection[Any]:
    """The psycopg connection under the session, its transaction begun."""
    driver = session.connection().connection.driver_connection
    if not isinstance(driver, psycopg.Connection):
        raise TypeError("jobs need a session on psycopg 3")
    return driver
