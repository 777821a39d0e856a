"""Enqueueing: a job exists exactly when the transaction that asked for it committed."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.core.clock import now
from app.core.db import Database
from app.core.ids import new_id
from app.jobs import AlreadyQueued, cancel, defer, status_of
from app.jobs.schema import SCHEMA_SHA256, create_schema, drop_schema, schema_sql

JOBS = "SELECT task_name, queue_name, args, priority, lock, status::text FROM procrastinate_jobs ORDER BY id"


class Boom(Exception):
    """Stands for whatever goes wrong after a job was deferred."""


def rows(session: Session) -> list[tuple[object, ...]]:
    return [tuple(row) for row in session.execute(text(JOBS))]


def defer_then_fail(database: Database) -> None:
    with database.transaction() as session:
        defer(session, "recordings.normalise", recording_id=new_id())
        assert len(rows(session)) == 1
        raise Boom


def test_a_commit_enqueues_and_a_rollback_does_not(database: Database) -> None:
    with pytest.raises(Boom):
        defer_then_fail(database)
    subject = new_id()
    with database.transaction() as session:
        assert rows(session) == []
        job = defer(session, "recordings.normalise", recording_id=subject, priority=3, lock="r")
    with database.transaction() as session:
        arguments = {"recording_id": str(subject)}
        assert rows(session) == [("recordings.normalise", "recordings", arguments, 3, "r", "todo")]
        assert status_of(session, job) == "todo"


KILLED_BETWEEN = """
import os, signal, sys
from app.core.db import Database
from app.jobs import defer
from sqlalchemy import text
with Database(sys.argv[1]).transaction() as session:
    defer(session, "recordings.normalise")
    session.execute(text("CREATE TABLE state (x int)"))
    if sys.argv[2] == "before":
        os.kill(os.getpid(), signal.SIGKILL)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize(("moment", "expected"), [("before", (0, False)), ("after", (1, True))])
def test_a_kill_leaves_both_the_state_and_the_job_or_neither(
    database: Database, database_url: str, moment: str, expected: tuple[int, bool]
) -> None:
    command = [sys.executable, "-c", KILLED_BETWEEN, database_url, moment]
    ended = subprocess.run(command, env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}, check=False)
    assert ended.returncode == -signal.SIGKILL
    with database.transaction() as session:
        state = session.execute(text("SELECT to_regclass('state') IS NOT NULL")).scalar_one()
        assert (len(rows(session)), state) == expected


def test_a_second_waiting_job_of_one_queueing_lock_is_refused_and_the_session_lives(
    database: Database,
) -> None:
    with database.transaction() as session:
        defer(session, "releases.build", queueing_lock="release-1")
        with pytest.raises(AlreadyQueued):
            defer(session, "releases.build", queueing_lock="release-1")
        defer(session, "releases.build", queueing_lock="release-2")
    with database.transaction() as session:
        assert len(rows(session)) == 2


def test_a_job_can_wait(database: Database) -> None:
    with database.transaction() as session:
        defer(session, "uploads.expire", schedule_in=timedelta(hours=1))
        due = session.execute(text("SELECT scheduled_at FROM procrastinate_jobs")).scalar_one()
        assert timedelta(minutes=59) < due - now() <= timedelta(hours=1)


def test_cancelling_a_waiting_job_is_part_of_the_transaction(database: Database) -> None:
    with database.transaction() as session:
        job = defer(session, "recordings.normalise")
    with pytest.raises(Boom), database.transaction() as session:
        _cancel_then_fail(session, job)
    with database.transaction() as session:
        assert status_of(session, job) == "todo"
        assert cancel(session, job)
    with database.transaction() as session:
        assert status_of(session, job) == "cancelled"
        assert not cancel(session, job)
        assert not cancel(session, job + 1)
        assert status_of(session, job + 1) is None


def _cancel_then_fail(session: Session, job: int) -> None:
    assert cancel(session, job)
    raise Boom


def test_an_upgrade_of_procrastinate_that_changes_its_schema_is_noticed() -> None:
    assert hashlib.sha256(schema_sql().encode()).hexdigest() == SCHEMA_SHA256


def test_the_schema_goes_and_comes_back(database: Database) -> None:
    count = text("SELECT count(*) FROM pg_proc WHERE proname LIKE 'procrastinate%'")
    with database.transaction() as session:
        before = session.execute(count).scalar_one()
        drop_schema(session.connection())
        assert session.execute(count).scalar_one() == 0
        create_schema(session.connection())
        assert session.execute(count).scalar_one() == before > 5
