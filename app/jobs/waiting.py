"""What waiting jobs wait for: their turn, or a machine that is at fault, since when and why.

A job that meets a fault of the machine keeps this in its tally, for its next attempt alone: one that a worker hands
back, or whose worker died, waits for its turn and for nothing else.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

K = TypeVar("K", bound=Hashable)
_JOBS = text(
    "SELECT id, status::text, queue_name, priority, args->'_tally'->>'why' AS why, "
    "CASE WHEN (args->'_tally'->>'attempt')::int = attempts THEN args->'_tally'->>'since' END AS since "
    "FROM procrastinate_jobs WHERE id = ANY(:ids) AND status IN ('todo', 'doing')"
)
MOST_COUNTED = 1000  # pages ask every two seconds, and a backlog may be long
_QUEUE = text(
    "SELECT priority, id FROM procrastinate_jobs WHERE status = 'todo' AND queue_name = :queue "
    "AND (scheduled_at IS NULL OR scheduled_at <= now()) ORDER BY priority DESC, id LIMIT :most"
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
    return waiting_by(session, {None: job_ids}).get(None)


def waiting_by(session: Session, groups: Mapping[K, Collection[int | None]]) -> dict[K, Waiting]:
    """What the jobs of each group wait for, with a query for them all and one a queue; groups of which one runs, or
    all have ended, are not in it."""
    jobs = {one.id: one for one in _jobs(session, {one for ids in groups.values() for one in ids})}
    queues = {name: _due(session, name) for name in {one.queue_name for one in jobs.values()}}
    found = {}
    for key, ids in groups.items():
        own = sorted((jobs[one] for one in set(ids) if one in jobs), key=_turn)
        if own and all(one.status == "todo" for one in own):
            longest = min(_waits_among(own).values(), key=lambda one: one.since, default=None)
            found[key] = Waiting(bisect_left(queues[own[0].queue_name], _turn(own[0])), longest)
    return found


def _due(session: Session, queue: str) -> list[tuple[int, int]]:
    """The turns of the first jobs that are due, in order."""
    return [_turn(one) for one in session.execute(_QUEUE, {"queue": queue, "most": MOST_COUNTED})]


def _turn(job: Row[Any]) -> tuple[int, int]:
    return -job.priority, job.id


def machine_waits_by_job(session: Session, job_ids: Collection[int | None]) -> dict[int, MachineWait]:
    """Those of these jobs that wait for the machine, by their ids, with one query for them all."""
    return _waits_among(one for one in _jobs(session, job_ids) if one.status == "todo")


def _jobs(session: Session, job_ids: Collection[int | None]) -> Sequence[Row[Any]]:
    """Those that have not ended."""
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
