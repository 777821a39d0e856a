"""What is kept with a job that waits for the machine."""

from __future__ import annotations

import logging

import pytest
from procrastinate.jobs import Job
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from app.core.db import Database
from app.core.logging import JsonFormatter
from app.jobs.faults import is_machines
from app.jobs.tally import parameters

SAID = "Witness K. was there"


@pytest.fixture
def fault(database: Database) -> OperationalError:
    """The database's own fault, in a statement that was given something about a person."""
    with database.transaction() as session:
        session.execute(text("SET LOCAL statement_timeout = 1"))
        with pytest.raises(OperationalError) as caught:
            session.execute(text("SELECT pg_sleep(5), CAST(:said AS text)"), {"said": SAID})
    return caught.value


def test_what_a_statement_was_given_is_not_among_it(fault: OperationalError) -> None:
    assert is_machines(fault)
    job = Job(id=1, queue="q", lock=None, queueing_lock=None, task_name="a.b", task_kwargs={}, attempts=1)
    kept = parameters(job, "fault", fault)
    assert "statement timeout" in kept["wait"]
    assert SAID not in repr(kept)


def test_nor_in_the_log(fault: OperationalError) -> None:
    about = (type(fault), fault, fault.__traceback__)
    line = JsonFormatter().format(logging.LogRecord("app", logging.ERROR, "", 0, "failed", (), about))
    assert "statement timeout" in line
    assert SAID not in line
