"""How often a job ended in which way before: each is counted by itself, and a shutdown's hand-back not at all.

Procrastinate counts attempts alone, whatever ended them. The tally is kept with the job, beside its arguments, and is
taken from them before the task gets them. Beside the counts it holds since when the job waits for the machine
(`since`), for what (`why`), what the last fault said (`told`), and the `attempt` that waits so. Of any other attempt
these say nothing: the one before it ended by no such fault.
"""

from __future__ import annotations

import json
from typing import Any, Literal

from procrastinate.jobs import Job
from sqlalchemy.orm import Session

from app.core.clock import now
from app.jobs.errors import DoubtfulFault
from app.jobs.faults import is_outage, why_of

NAME = "_tally"
MOST_TOLD = 300
End = Literal["outage", "fault", "doubt", "takeover"]
# of the present attempt alone: one that was replaced counts nothing
COUNT = """
    UPDATE procrastinate_jobs
    SET args = args || jsonb_build_object('_tally',
        COALESCE(args->'_tally', '{}') || %(wait)s::jsonb
        || jsonb_build_object(%(end)s::text, COALESCE((args->'_tally'->>%(end)s)::int, 0) + 1))
    WHERE id = %(id)s AND attempts = %(attempts)s AND status = 'doing'
"""


def met(job: Job, end: End) -> int:
    """How often the job ended so, as of when it was fetched."""
    return int(_of(job).get(end, 0))


def kind_of(fault: BaseException) -> End:
    """As what a fault of the machine is counted."""
    if isinstance(fault, DoubtfulFault):
        return "doubt"
    return "outage" if is_outage(fault) else "fault"


def parameters(job: Job, end: End, fault: BaseException | None = None) -> dict[str, Any]:
    """What `COUNT` needs; with the fault that the job will wait for, if it is one."""
    wait = {} if fault is None else _wait(job, fault)
    return {"id": job.id, "attempts": job.attempts, "end": end, "wait": json.dumps(wait)}


def count(session: Session, job: Job, fault: BaseException) -> None:
    """Counts one more end of the job's present attempt, by a fault of the machine."""
    end = kind_of(fault)
    waited_for = None if end == "doubt" else fault
    session.connection().exec_driver_sql(COUNT, parameters(job, end, waited_for))


def _wait(job: Job, fault: BaseException) -> dict[str, Any]:
    """What the next attempt waits for; since the first of the faults that followed upon each other."""
    before = _of(job)
    waited = before.get("attempt") == job.attempts
    return {
        "since": before["since"] if waited else now().isoformat(),
        "why": why_of(fault),
        "told": str(fault).replace("\0", "")[:MOST_TOLD],
        "attempt": job.attempts + 1,
    }


def _of(job: Job) -> dict[str, Any]:
    tally: Any = job.task_kwargs.get(NAME, {})
    return dict(tally)
