"""How often a job ended in which way before: each is counted by itself, and a shutdown's hand-back not at all.

Procrastinate counts attempts alone, whatever ended them. The tally is kept with the job, beside its arguments, and is
taken from them before the task gets them. Beside the counts it holds since when the job waits for the machine
(`since`), for what (`why`) and what the last fault said (`told`).
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
        %(first)s::jsonb || COALESCE(args->'_tally', '{}') || %(last)s::jsonb
        || jsonb_build_object(%(end)s::text, COALESCE((args->'_tally'->>%(end)s)::int, 0) + 1))
    WHERE id = %(id)s AND attempts = %(attempts)s AND status = 'doing'
"""


def met(job: Job, end: End) -> int:
    """How often the job ended so, as of when it was fetched."""
    tally: Any = job.task_kwargs.get(NAME, {})
    return int(tally.get(end, 0))


def kind_of(fault: BaseException) -> End:
    """As what a fault of the machine is counted."""
    if isinstance(fault, DoubtfulFault):
        return "doubt"
    return "outage" if is_outage(fault) else "fault"


def parameters(job: Job, end: End, fault: BaseException | None = None) -> dict[str, Any]:
    """What `COUNT` needs; with the fault that the job will wait for, if it is one."""
    first, last = {}, {}
    if fault is not None:
        first = {"since": now().isoformat()}
        last = {"why": why_of(fault), "told": str(fault).replace("\0", "")[:MOST_TOLD]}
    return {
        "id": job.id,
        "attempts": job.attempts,
        "end": end,
        "first": json.dumps(first),
        "last": json.dumps(last),
    }


def count(session: Session, job: Job, fault: BaseException) -> None:
    """Counts one more end of the job's present attempt, by a fault of the machine."""
    end = kind_of(fault)
    waited_for = None if end == "doubt" else fault
    session.connection().exec_driver_sql(COUNT, parameters(job, end, waited_for))
