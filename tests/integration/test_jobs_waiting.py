"""What is told of a job that waits: for its turn, behind so many others, or for the machine, since when and why."""

from __future__ import annotations

import errno
import sys
from datetime import timedelta

import pytest
from sqlalchemy import event, text

from app.core.clock import now
from app.core.db import Database
from app.jobs import DoubtfulFault, JobContext, MachineFault, defer, task
from app.jobs.app import RESOURCES, job_app
from app.jobs.task import declared_in
from app.jobs.waiting import MachineWait, Waiting, machine_waits, machine_waits_by_job, waiting
from app.storage.base import StoreUnavailable
from tests.factories.loops import run_apart

FETCH = text("SELECT id FROM procrastinate_fetch_job_v2(ARRAY['probe'], :worker)")
BACK = text("SELECT procrastinate_retry_job_v2(:job, now(), NULL, NULL, NULL)")
WORKER = text("INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now()) RETURNING id")
DUE = text("UPDATE procrastinate_jobs SET scheduled_at = NULL")
faults: list[BaseException | None] = []


@task("probe.meets", max_attempts=None)
def meets(job: JobContext) -> None:
    """Meets the next of `faults`."""
    fault = faults.pop(0)
    if fault is not None:
        raise fault


def _run(database: Database, url: str) -> None:
    """Lets a worker do everything that is due."""

    async def work() -> None:
        app = job_app(url, declared_in([sys.modules[__name__]]))
        async with app.open_async():
            await app.run_worker_async(
                queues=["probe"],
                wait=False,
                install_signal_handlers=False,
                additional_context={RESOURCES: {Database: database}},
            )

    with database.transaction() as session:
        session.execute(DUE)
    run_apart(work())


def _told(database: Database, *jobs: int) -> Waiting | None:
    with database.transaction() as session:
        return waiting(session, jobs)


def test_a_job_waits_for_its_turn_behind_those_that_go_first(database: Database) -> None:
    with database.transaction() as session:
        first, urgent, mine = (defer(session, "probe.meets", priority=n) for n in (0, 5, 0))
        defer(session, "probe.meets", priority=9, schedule_in=timedelta(hours=1))  # its time has not come
        defer(session, "other.meets", priority=9)
        last = defer(session, "probe.meets", priority=-1)
    assert _told(database, mine) == Waiting(before=2, machine=None)
    assert _told(database, last, mine) == Waiting(before=2, machine=None)
    assert _told(database, urgent) == Waiting(before=0, machine=None)
    with database.transaction() as session:
        assert session.scalar(FETCH, {"worker": session.scalar(WORKER)}) == urgent
    assert _told(database, urgent, mine) is None  # worked on
    assert _told(database, first) == Waiting(before=0, machine=None)
    assert _told(database, last + 1) is None
    assert _told(database) is None


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        (StoreUnavailable(), "store-unavailable"),
        (OSError(errno.ENOSPC, "No space left on device"), "disk-full"),
        (MachineFault("no space left on the disk that ingest works on"), "disk-full"),
        (MemoryError(), "out-of-memory"),
        (MachineFault("a media tool was killed by signal 9"), "machine-fault"),
    ],
)
def test_a_job_says_since_when_it_waits_for_the_machine_and_for_what(
    database: Database, database_url: str, fault: Exception, why: str
) -> None:
    with database.transaction() as session:
        job = defer(session, "probe.meets")
    faults[:] = [fault, fault, None]
    began = now()
    _run(database, database_url)
    first = _told(database, job)
    assert first is not None
    assert first.machine is not None
    assert began <= first.machine.since <= now()
    assert first.machine == MachineWait(first.machine.since, why)
    _run(database, database_url)
    again = _told(database, job)
    assert again == first  # since the first of them
    with database.transaction() as session:
        (group,) = machine_waits(session)
    assert (group.why, group.jobs, group.since, group.told) == (why, 1, first.machine.since, str(fault))
    _run(database, database_url)
    assert _told(database, job) is None
    with database.transaction() as session:
        assert machine_waits(session) == []


def _hand_back(database: Database, job: int) -> None:
    """A worker begins the job and is stopped, or dies, before it ends it."""
    with database.transaction() as session:
        session.execute(DUE)
        assert session.scalar(FETCH, {"worker": session.scalar(WORKER)}) == job
    with database.transaction() as session:
        session.execute(BACK, {"job": job})


def test_a_job_handed_back_after_a_fault_waits_for_the_machine_no_longer(
    database: Database, database_url: str
) -> None:
    """Its disk had room again and it was at work: that a deployment stopped it is no fault of the machine."""
    with database.transaction() as session:
        job = defer(session, "probe.meets")
    faults[:] = [StoreUnavailable(), DoubtfulFault("a frame is missing"), StoreUnavailable()]
    _run(database, database_url)
    _hand_back(database, job)
    assert _told(database, job) == Waiting(before=0, machine=None)
    with database.transaction() as session:
        assert machine_waits(session) == []
    _run(database, database_url)  # in doubt
    began = now()
    _run(database, database_url)
    told = _told(database, job)
    assert told is not None
    assert told.machine is not None
    assert told.machine.since >= began  # of the second outage, not of the first


def test_what_many_jobs_wait_for_is_asked_at_once(database: Database, database_url: str) -> None:
    with database.transaction() as session:
        jobs = [defer(session, "probe.meets") for _ in range(3)]
    faults[:] = [StoreUnavailable(), OSError(errno.ENOSPC, "No space left on device"), None]
    _run(database, database_url)
    with database.transaction() as session:
        defer(session, "probe.meets")  # not asked about
        turn = defer(session, "probe.meets")
        asked: list[str] = []
        event.listen(session.connection(), "before_cursor_execute", lambda *a: asked.append(a[2]))
        found = machine_waits_by_job(session, [*jobs, turn, None])
        assert len(asked) == 1
        assert {job: wait.why for job, wait in found.items()} == {
            jobs[0]: "store-unavailable",
            jobs[1]: "disk-full",
        }
        session.execute(DUE)
        assert session.scalar(FETCH, {"worker": session.scalar(WORKER)}) == jobs[0]
        assert list(machine_waits_by_job(session, jobs)) == [jobs[1]]  # the first is worked on


def test_a_doubtful_fault_is_no_wait_for_the_machine(database: Database, database_url: str) -> None:
    with database.transaction() as session:
        job = defer(session, "probe.meets")
    faults[:] = [DoubtfulFault("a frame is missing")]
    _run(database, database_url)
    assert _told(database, job) == Waiting(before=0, machine=None)
    with database.transaction() as session:
        assert machine_waits(session) == []
