"""What waiting jobs wait for: their turn, or a machine that is at fault, since when and why.

A job that meets a fault of the machine keeps this in its tally, for its next attempt alone: one that a worker hands
back, or whose worker died, waits for its turn and for nothing else.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

_JOBS = text(
    "SELECT id, status::text, queue_name, priority, args->'_tally'->>'why' AS why, "
    "CASE WHEN (args->'_tally'->>'attempt')::int = attempts THEN args->'_tally'->>'since' END AS since "
    "FROM procrastinate_jobs WHERE id = ANY(:ids) AND status IN ('todo', 'doing') ORDER BY priority DESC, id"
)
MOST_COUNTED = 1000  # pages ask every two seconds, and a backlog may be long
_BEFORE = text(
    "SELECT count(*) FROM (SELECT 1 FROM procrastinate_jobs WHERE status = 'todo' AND queue_name = :queue "
    "AND (priority > :priority OR priority = :priority AND id < :id) "
    "AND (scheduled_at IS NULL OR scheduled_at <= now()) LIMIT :most) AS due"
)
_MACHINE_WAITS = text(
    "SELECT args->'_tally'->>'why' AS why, count(*) AS jobs, min((args->'_tally'->>'since')::timestamptz) AS since, "
    "max(args->'_tally'->>'told') AS told FROM procrastinate_jobs "
    "WHERE status = 'todo' AND (args->'_tally'->>'attempt')::int = attempts GROUP BY why ORDER BY since"
)


@dataclass(frozen=True, slots=True)
class MachineWait:
    """That a job waits for the machine: since when, and for what (a code of `faults.why_of`)."""

    since: datetime
    why: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """That none of some jobs runs. `before` counts the due jobs of the queue that go before the first of them, up to
    MOST_COUNTED."""

    before: int
    machine: MachineWait | None


@dataclass(frozen=True, slots=True)
class MachineWaits:
    """How many jobs of the whole service wait for one thing, since when; `told` is what one of the faults said."""

    why: str
    jobs: int
    since: datetime
    told: str


def waiting(session: Session, job_ids: Collection[int | None]) -> Waiting | None:
    """What these jobs wait for; None while one of them runs, and where all have ended."""
    jobs = _jobs(session, job_ids)
    if not jobs or any(one.status == "doing" for one in jobs):
        return None
    first = jobs[0]
    ahead = {
        "queue": first.queue_name,
        "priority": first.priority,
        "id": first.id,
        "most": MOST_COUNTED,
    }
    longest = min(_waits_among(jobs).values(), key=lambda one: one.since, default=None)
    return Waiting(int(session.scalar(_BEFORE, ahead) or 0), longest)


def machine_waits_by_job(session: Session, job_ids: Collection[int | None]) -> dict[int, MachineWait]:
    """Those of these jobs that wait for the machine, by their ids, with one query for them all."""
    return _waits_among(one for one in _jobs(session, job_ids) if one.status == "todo")


def _jobs(session: Session, job_ids: Collection[int | None]) -> Sequence[Row[Any]]:
    """Those that have not ended, the first to run first."""
    return session.execute(_JOBS, {"ids": [one for one in job_ids if one is not None]}).all()


def _waits_among(jobs: Iterable[Row[Any]]) -> dict[int, MachineWait]:
    return {
        one.id: MachineWait(datetime.fromisoformat(one.since), one.why)
        for one in jobs
        if one.since is not None
    }


def machine_waits(session: Session) -> list[MachineWaits]:
    """Everything that waits for the machine, by what it waits for, longest first."""
    return [MachineWaits(one.why, one.jobs, one.since, one.told) for one in session.execute(_MACHINE_WAITS)]
