"""How often a job ended in which way before: each is counted by itself, and a shutdown's hand-back not at all.

Procrastinate counts attempts alone, whatever ended them. The tally is kept with the job, beside its arguments, and is
taken from them before the task gets them.
"""

from __future__ import annotations

from typing import Any, Literal

from procrastinate.jobs import Job
from sqlalchemy.orm import Session

from app.jobs.errors import DoubtfulFault

NAME = "_tally"
End = Literal["fault", "doubt", "takeover"]
# of the present attempt alone: one that was replaced counts nothing
COUNT = """
    UPDATE procrastinate_jobs
    SET args = args || jsonb_build_object('_tally', COALESCE(args->'_tally', '{}') || jsonb_build_object(
        %(end)s::text, COALESCE((args->'_tally'->>%(end)s)::int, 0) + 1))
    WHERE id = %(id)s AND attempts = %(attempts)s AND status = 'doing'
"""


def met(job: Job, end: End) -> int:
    """How often the job ended so, as of when it was fetched."""
    tally: Any = job.task_kwargs.get(NAME, {})
    return int(tally.get(end, 0))


def kind_of(fault: BaseException) -> End:
    """As what a fault of the machine is counted."""
    return "doubt" if isinstance(fault, DoubtfulFault) else "fault"


def parameters(job: Job, end: End) -> dict[str, Any]:
    """What `COUNT` needs."""
    return {"id": job.id, "attempts": job.attempts, "end": end}


def count(session: Session, job: Job, end: End) -> None:
    """Counts one more end of the job's present attempt."""
    session.connection().exec_driver_sql(COUNT, parameters(job, end))
