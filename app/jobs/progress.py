"""Progress rows and attempts.

No engine gives exactly-once: a worker that was stopped for a minute and continues runs beside its replacement. So
each attempt writes its objects under keys of its own (`JobContext.attempt_key`), and the transaction that makes
them count calls `confirm`, which fails for every attempt but the latest.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Collection
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import distinct_on, insert
from sqlalchemy.orm import Session

from app.core.clock import now
from app.jobs.errors import Superseded
from app.jobs.models import JobProgress


def begin(session: Session, *, job_id: int, attempt: int, subject_kind: str, subject_id: UUID) -> None:
    """Records that this attempt has begun. Raises Superseded when it or a later one already had."""
    began_at = now()
    values = {
        "job_id": job_id,
        "attempt": attempt,
        "subject_kind": subject_kind,
        "subject_id": subject_id,
        "step": "",
        "done": 0.0,
        "total": None,
        "unit": "",
        "began_at": began_at,
        "updated_at": began_at,
        "worker": f"{socket.gethostname()}:{os.getpid()}",
    }
    statement = insert(JobProgress).values(values)
    statement = statement.on_conflict_do_update(
        index_elements=[JobProgress.job_id], set_=values, where=JobProgress.attempt < attempt
    )
    if session.execute(statement.returning(JobProgress.job_id)).first() is None:
        raise Superseded(f"a later attempt of job {job_id} has begun")


def report(
    session: Session, *, job_id: int, attempt: int, step: str, done: float, total: float | None, unit: str
) -> None:
    """Moves the row of this attempt. Raises Superseded when a later attempt has begun."""
    statement = (
        update(JobProgress)
        .where(JobProgress.job_id == job_id, JobProgress.attempt == attempt)
        .values(step=step, done=done, total=total, unit=unit, updated_at=now())
    )
    if session.execute(statement.returning(JobProgress.job_id)).first() is None:
        raise Superseded(f"a later attempt of job {job_id} has begun")


def confirm(session: Session, *, job_id: int, attempt: int) -> None:
    """Holds the row until the transaction ends, so that no later attempt can begin before. Raises Superseded."""
    query = select(JobProgress.job_id).where(JobProgress.job_id == job_id, JobProgress.attempt == attempt)
    if session.execute(query.with_for_update()).first() is None:
        raise Superseded(f"a later attempt of job {job_id} has begun")


def progress_of(session: Session, subject_kind: str, subject_id: UUID) -> JobProgress | None:
    """The newest job's progress for a subject; None before any job began."""
    return newest_progress(session, subject_kind, [subject_id]).get(subject_id)


def newest_progress(
    session: Session, subject_kind: str, subject_ids: Collection[UUID]
) -> dict[UUID, JobProgress]:
    """The newest job's progress for each subject of which any job began."""
    query = select(JobProgress).where(
        JobProgress.subject_kind == subject_kind, JobProgress.subject_id.in_(subject_ids)
    )
    newest = query.ext(distinct_on(JobProgress.subject_id))
    rows = session.scalars(newest.order_by(JobProgress.subject_id, JobProgress.job_id.desc()))
    return {row.subject_id: row for row in rows}
