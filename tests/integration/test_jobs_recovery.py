"""Which jobs are begun once more, and which are given up: what counts of their earlier ends, by real workers."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from contextlib import suppress
from datetime import timedelta

import pytest
from procrastinate.exceptions import AlreadyEnqueued
from sqlalchemy import text

from app.core.clock import now
from app.core.db import Database
from app.jobs import DoubtfulFault, JobContext, MachineFault, defer, machine_waits_by_job, status_of, task
from app.jobs.app import FEW_ATTEMPTS, RESOURCES, job_app
from app.jobs.recovery import MAX_TAKEOVERS, RECOVER
from app.jobs.task import declared_in
from tests.factories.loops import run_apart

FETCH = text("SELECT id FROM procrastinate_fetch_job_v2(ARRAY[:queue], :worker)")
MOST_FAULTS = 6


@task("probe.doubtful", max_attempts=MOST_FAULTS)
def doubtful(job: JobContext) -> None:
    """Fails for a reason that may be the file's."""
    raise DoubtfulFault("a frame is missing")


@task("probe.full", max_attempts=MOST_FAULTS)
def full(job: JobContext) -> None:
    """Meets a full disk."""
    raise MachineFault("disk full")


@task("probe.endless", max_attempts=None)
def endless(job: JobContext) -> None:
    """Meets a full disk as often as it takes."""
    raise MachineFault("no space left on the disk that ingest works on")


def _fetch(database: Database, job: int, queue: str = "probe") -> None:
    """Begins the job on a worker that dies at once."""
    dead = (
        "INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '1 hour') RETURNING id"
    )
    with database.transaction() as session:
        session.execute(
            text("UPDATE procrastinate_jobs SET scheduled_at = NULL WHERE id = :job"), {"job": job}
        )
        worker = session.scalar(text(dead))
        assert session.scalar(FETCH, {"queue": queue, "worker": worker}) == job


def _end(database: Database, url: str, job: int, how: str) -> None:
    """Begins the job and lets it end: `dies` with its worker, is `handed back` by one that stops, or as it does by
    itself (`runs`)."""
    if how == "runs":
        with database.transaction() as session:
            session.execute(
                text("UPDATE procrastinate_jobs SET scheduled_at = NULL WHERE id = :job"), {"job": job}
            )
        run_apart(_work(url, database, ["probe"]))
        return
    _fetch(database, job)
    if how == "dies":
        run_apart(_work(url, database, ["jobs"], RECOVER))
        return
    with database.transaction() as session:
        back = text("SELECT procrastinate_retry_job_v2(:job, :at, NULL, NULL, NULL)")
        session.execute(back, {"job": job, "at": now() - timedelta(milliseconds=1)})


async def _work(url: str, database: Database, queues: Iterable[str], name: str | None = None) -> None:
    app = job_app(url, declared_in([sys.modules[__name__]]))
    async with app.open_async():
        if name:
            with suppress(AlreadyEnqueued):  # the time has brought it already
                await app.tasks[name].defer_async(timestamp=0)
        await app.run_worker_async(
            queues=list(queues),
            wait=False,
            install_signal_handlers=False,
            additional_context={RESOURCES: {Database: database}},
        )


@pytest.mark.parametrize(
    ("name", "before", "last", "after"),
    [
        ("full", ["dies"] * (MAX_TAKEOVERS - 1), "dies", "todo"),
        ("full", ["dies"] * MAX_TAKEOVERS, "dies", "failed"),
        ("full", ["runs"] * (MOST_FAULTS - 1) + ["dies"] * (MAX_TAKEOVERS - 1), "dies", "todo"),
        ("full", ["handed back"] * MAX_TAKEOVERS, "dies", "todo"),
        ("full", ["handed back"] * MOST_FAULTS + ["dies"] * 2, "runs", "todo"),
        ("full", ["runs"] * (MOST_FAULTS - 1), "runs", "failed"),
        ("endless", ["runs"] * (MOST_FAULTS + 1), "runs", "todo"),
        ("doubtful", ["handed back"] * FEW_ATTEMPTS, "runs", "todo"),
        ("doubtful", ["dies"] * (FEW_ATTEMPTS - 1), "runs", "todo"),
        ("doubtful", ["runs"] * (FEW_ATTEMPTS - 2) + ["dies", "handed back"], "runs", "todo"),
        ("doubtful", ["runs"] * (FEW_ATTEMPTS - 1), "runs", "failed"),
    ],
)
def test_each_kind_of_end_is_counted_by_itself(
    database: Database, database_url: str, name: str, before: list[str], last: str, after: str
) -> None:
    """A job is not given up because its worker was stopped or died after it waited for a full disk, nor a recording
    refused because workers were restarted while it was in doubt."""
    with database.transaction() as session:
        job = defer(session, f"probe.{name}")
    for how in before:
        _end(database, database_url, job, how)
        with database.transaction() as session:
            assert status_of(session, job) == "todo"
    _end(database, database_url, job, last)
    with database.transaction() as session:
        assert status_of(session, job) == after


def test_a_full_disk_leaves_a_doubtful_fault_its_tries(database: Database, database_url: str) -> None:
    with database.transaction() as session:
        job = defer(session, "probe.full")
    for _ in range(FEW_ATTEMPTS):
        _end(database, database_url, job, "runs")
    with database.transaction() as session:
        session.execute(text("UPDATE procrastinate_jobs SET task_name = 'probe.doubtful'"))
    _end(database, database_url, job, "runs")
    with database.transaction() as session:
        assert status_of(session, job) == "todo"


@pytest.mark.parametrize("how", ["dies", "handed back"])
def test_a_job_begun_again_waits_for_the_machine_no_longer(
    database: Database, database_url: str, how: str
) -> None:
    with database.transaction() as session:
        job = defer(session, "probe.endless")
    waits = []
    for end in ("runs", how, "runs"):
        _end(database, database_url, job, end)
        with database.transaction() as session:
            waits.append(machine_waits_by_job(session, [job]).get(job))
    first, begun_again, second = waits
    assert begun_again is None
    assert first is not None
    assert second is not None
    assert second.since > first.since


def test_a_recovery_that_died_is_itself_taken_over(database: Database, database_url: str) -> None:
    with database.transaction() as session:
        job = defer(session, RECOVER, timestamp=0)
    _fetch(database, job, "jobs")
    run_apart(_work(database_url, database, ["jobs"], RECOVER))
    with database.transaction() as session:
        assert status_of(session, job) in ("succeeded", None)
