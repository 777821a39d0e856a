"""Progress rows and the fence between attempts."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest

from app.core.db import Database
from app.core.ids import new_id
from app.jobs import JobAborted, JobContext, JobProgress, Superseded, progress_of
from app.jobs.context import REPORT_SECONDS


def attempt(database: Database, number: int, subject: UUID | None = None) -> JobContext:
    job = JobContext({Database: database}, job_id=7, attempt=number)
    if subject is not None:
        job.begin("recording", subject)
    return job


def row(database: Database, subject: UUID) -> JobProgress:
    with database.transaction() as session:
        found = progress_of(session, "recording", subject)
        assert found is not None
        return found


def test_progress_is_written_at_most_twice_a_second_within_a_step(database: Database) -> None:
    subject = new_id()
    job = attempt(database, 1, subject)
    seen = set()
    started = time.monotonic()
    while time.monotonic() - started < 3 * REPORT_SECONDS - 0.1:
        job.progress("normalise", done=time.monotonic() - started, total=2, unit="s")
        seen.add(row(database, subject).updated_at)
    assert 2 <= len(seen) <= 3
    job.progress("segment", done=1, total=4, unit="clips")
    now = row(database, subject)
    assert (now.step, now.done, now.total, now.unit, now.attempt) == ("segment", 1, 4, "clips", 1)


def test_a_later_attempt_shuts_out_the_earlier(database: Database) -> None:
    subject = new_id()
    first = attempt(database, 1, subject)
    second = attempt(database, 2, subject)
    assert first.attempt_key != second.attempt_key
    with pytest.raises(Superseded):
        first.progress("late")
    with pytest.raises(Superseded), database.transaction() as session:
        first.confirm(session)
    for number in (1, 2):
        with pytest.raises(Superseded):
            attempt(database, number, subject)
    with database.transaction() as session:
        second.confirm(session)


def test_a_later_attempt_waits_for_the_commit_of_a_confirmed_one(database: Database) -> None:
    subject = new_id()
    first = attempt(database, 1, subject)
    with ThreadPoolExecutor() as pool:
        with database.transaction() as session:
            first.confirm(session)
            later = pool.submit(attempt, database, 2, subject)
            time.sleep(0.3)
            assert not later.done()
        assert later.result(timeout=5).attempt == 2


def test_nothing_can_be_confirmed_that_did_not_begin(database: Database) -> None:
    with pytest.raises(Superseded), database.transaction() as session:
        attempt(database, 1).confirm(session)
    with database.transaction() as session:
        assert progress_of(session, "recording", new_id()) is None


def test_an_aborted_job_stops_at_its_next_check(database: Database) -> None:
    job = JobContext({Database: database}, job_id=7, attempt=1, should_abort=lambda: True)
    with pytest.raises(JobAborted):
        job.check()
    attempt(database, 1).check()
    with pytest.raises(KeyError):
        job.resource(JobProgress)
