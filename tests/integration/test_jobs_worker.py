"""Workers as processes: jobs run, fail, stop, are taken over, and count exactly once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from app.core.db import Database
from app.core.ids import new_id
from app.jobs import cancel, defer, progress_of, status_of
from app.jobs.tally import NAME

PROBE = """
import sys, time
from pathlib import Path
from uuid import UUID
from sqlalchemy import text
from app.core.db import Database
from app.core.logging import configure
from app.jobs import JobContext, MachineFault, task
from app.jobs.app import job_app
from app.jobs.run import run_worker
from app.jobs.task import declared_in

@task("probe.slow")
def slow(job: JobContext, *, subject: UUID, seconds: float, deaf: bool = False) -> None:
    job.begin("probe", subject)
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if not deaf:
            job.check()
            job.progress("work", done=seconds - (until - time.monotonic()), total=seconds, unit="s")
        time.sleep(0.02)
    finish(job, subject)

@task("probe.flaky")
def flaky(job: JobContext, *, subject: UUID) -> None:
    job.begin("probe", subject)
    if job.attempt == 1:
        raise MachineFault("disk full")
    finish(job, subject)

@task("probe.broken")
def broken(job: JobContext, *, subject: UUID) -> None:
    raise ValueError("not a film")

@task("probe.tick", cron="* * * * * *")
def tick(job: JobContext) -> None:
    with job.db.transaction() as session:
        session.execute(text("INSERT INTO results VALUES (NULL, 0)"))

def finish(job, subject):
    with job.db.transaction() as session:
        job.confirm(session)
        session.execute(text("INSERT INTO results VALUES (:s, :a)"), {"s": subject, "a": job.attempt})

if __name__ == "__main__":
    url, queues = sys.argv[1], sys.argv[2].split(",")
    configure(level="INFO")
    db = Database(url)
    run_worker(job_app(url, declared_in([sys.modules["__main__"]])), {Database: db}, queues=queues)
"""
Start = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def start(tmp_path: Path, database: Database, database_url: str) -> Iterator[Start]:
    """Starts a worker process; ends every one that still runs, by its pid."""
    script = tmp_path / "probe.py"
    script.write_text(PROBE)
    with database.transaction() as session:
        session.execute(text("CREATE TABLE results (subject uuid, attempt int)"))
    running: list[subprocess.Popen[bytes]] = []

    def run(queues: str = "probe") -> subprocess.Popen[bytes]:
        with (tmp_path / f"worker{len(running)}.log").open("wb") as log:
            environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
            process = subprocess.Popen(
                [sys.executable, str(script), database_url, queues], env=environment, stdout=log, stderr=log
            )
        running.append(process)
        return process

    yield run
    for process in running:
        if process.poll() is None:
            process.kill()
            process.wait()
    for log in sorted(tmp_path.glob("worker*.log")):
        print(log.name, log.read_text(), sep="\n")


def enqueue(database: Database, name: str, **args: Any) -> tuple[int, UUID]:
    subject = new_id()
    with database.transaction() as session:
        return defer(session, name, subject=subject, **args), subject


def wait_for(condition: Callable[[], object], seconds: float) -> float:
    """Seconds until the condition held; fails the test after `seconds`."""
    started = time.monotonic()
    while not condition():
        assert time.monotonic() - started < seconds, "waited in vain"
        time.sleep(0.02)
    return time.monotonic() - started


def status(database: Database, job: int) -> str | None:
    with database.transaction() as session:
        return status_of(session, job)


def attempt_of(database: Database, subject: UUID) -> int:
    with database.transaction() as session:
        row = progress_of(session, "probe", subject)
        return row.attempt if row else 0


def results(database: Database, subject: UUID | None) -> list[int]:
    query = text("SELECT attempt FROM results WHERE subject IS NOT DISTINCT FROM :s ORDER BY attempt")
    with database.transaction() as session:
        return list(session.scalars(query, {"s": subject}))


def test_a_job_runs_reports_and_counts_once(database: Database, start: Start) -> None:
    start()
    job, subject = enqueue(database, "probe.slow", seconds=1.5)
    wait_for(lambda: status(database, job) == "succeeded", 30)
    assert results(database, subject) == [1]
    with database.transaction() as session:
        row = progress_of(session, "probe", subject)
        assert row is not None
        assert (row.job_id, row.step, row.total, row.unit) == (job, "work", 1.5, "s")
        assert 0.5 <= row.done <= 1.5


def test_the_machines_fault_is_tried_again_and_the_files_is_not(database: Database, start: Start) -> None:
    start()
    flaky, subject = enqueue(database, "probe.flaky")
    broken, _ = enqueue(database, "probe.broken")
    wait_for(lambda: status(database, flaky) == "succeeded", 40)
    assert results(database, subject) == [2]
    assert status(database, broken) == "failed"


def test_a_running_job_is_cancelled(database: Database, start: Start) -> None:
    start()
    job, subject = enqueue(database, "probe.slow", seconds=60)
    wait_for(lambda: attempt_of(database, subject) == 1, 30)
    with database.transaction() as session:
        assert cancel(session, job)
    assert wait_for(lambda: status(database, job) == "aborted", 10) < 5
    assert results(database, subject) == []


def test_a_stopping_worker_hands_its_job_back(database: Database, start: Start) -> None:
    first = start()
    job, subject = enqueue(database, "probe.slow", seconds=8)
    wait_for(lambda: attempt_of(database, subject) == 1, 30)
    first.send_signal(signal.SIGTERM)
    assert first.wait(timeout=15) == 0
    assert status(database, job) == "todo"
    with database.transaction() as session:  # it used up none of its tries
        assert (
            NAME
            not in session.scalars(
                text("SELECT args FROM procrastinate_jobs WHERE id = :id"), {"id": job}
            ).one()
        )
    start()
    wait_for(lambda: attempt_of(database, subject) == 2, 30)
    wait_for(lambda: status(database, job) == "succeeded", 30)
    assert results(database, subject) == [2]


def test_a_stopping_worker_lets_a_short_job_finish(database: Database, start: Start) -> None:
    worker = start()
    job, subject = enqueue(database, "probe.slow", seconds=2)
    wait_for(lambda: attempt_of(database, subject) == 1, 30)
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(timeout=15) == 0
    assert status(database, job) == "succeeded"


def test_a_replaced_attempt_leaves_no_trace(database: Database, start: Start) -> None:
    """A worker stopped, given up for dead, replaced, and continued: its late end must change nothing."""
    first = start()
    job, subject = enqueue(database, "probe.slow", seconds=4, deaf=True)
    wait_for(lambda: attempt_of(database, subject) == 1, 30)
    first.send_signal(signal.SIGSTOP)
    with database.transaction() as session:
        session.execute(text("UPDATE procrastinate_workers SET last_heartbeat = now() - interval '1 minute'"))
    start()
    wait_for(lambda: attempt_of(database, subject) == 2, 30)
    first.send_signal(signal.SIGCONT)
    wait_for(lambda: status(database, job) == "succeeded", 30)
    time.sleep(3)
    assert status(database, job) == "succeeded"
    assert results(database, subject) == [2]


def test_what_time_brings_runs(database: Database, start: Start) -> None:
    start()
    wait_for(lambda: len(results(database, None)) >= 2, 30)


@pytest.mark.slow
def test_a_killed_workers_job_is_resumed_within_two_minutes(database: Database, start: Start) -> None:
    """The real windows, nothing hastened: another worker takes over after 30 s without a heartbeat."""
    first = start()
    job, subject = enqueue(database, "probe.slow", seconds=8)
    wait_for(lambda: attempt_of(database, subject) == 1, 30)
    first.kill()
    start()
    seconds = wait_for(lambda: attempt_of(database, subject) == 2, 120)
    print(f"resumed {seconds:.1f} s after kill -9")
    wait_for(lambda: status(database, job) == "succeeded", 30)
    assert results(database, subject) == [2]
    with database.transaction() as session:
        left = "SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'jobs.recover'"
        assert session.scalar(text(left)) <= 2  # the recoveries themselves do not pile up
