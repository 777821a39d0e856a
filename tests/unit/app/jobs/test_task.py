"""Declaring tasks, and which failures are tried again."""

from __future__ import annotations

import errno
import sys
from datetime import timedelta
from uuid import UUID

import psycopg
import pytest
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import Job

from app.core.clock import now
from app.jobs import DoubtfulFault, JobContext, MachineFault, task
from app.jobs.app import MANY_ATTEMPTS, Backoff, libpq_url
from app.jobs.errors import JobAborted
from app.jobs.tally import NAME, kind_of
from app.jobs.task import declared_in, queue_of
from app.storage.base import StoreUnavailable


@task("probe.one", max_attempts=3)
def one(job: JobContext, *, subject: UUID) -> None:
    """A task."""


@task("probe.two", cron="0 * * * *")
def two(job: JobContext) -> None:
    """A periodic task."""


def attempted(times: int, end: str = "fault") -> Job:
    """A job that ended so often in that way, and twice as often was handed back by a worker that stopped."""
    return Job(
        id=1,
        queue="probe",
        lock=None,
        queueing_lock=None,
        task_name="probe.one",
        task_kwargs={NAME: {end: times}},
        attempts=3 * times,
        priority=0,
    )


def test_declared_tasks_are_found_and_stay_plain_functions() -> None:
    specs = {spec.name: spec for spec in declared_in([sys.modules[__name__]])}
    assert specs.keys() == {"probe.one", "probe.two"}
    assert specs["probe.one"].function is one
    assert (specs["probe.one"].max_attempts, specs["probe.two"].cron) == (3, "0 * * * *")


def test_an_imported_task_is_not_declared_twice() -> None:
    other = type(sys)("other")
    other.one = one  # type: ignore[attr-defined]
    assert declared_in([other]) == []


@pytest.mark.parametrize("name", ["normalise", "Recordings.normalise", "a.b.c", ""])
def test_a_task_needs_a_feature_and_a_verb(name: str) -> None:
    with pytest.raises(ValueError, match=r"feature\.verb"):
        task(name)


def test_the_queue_is_the_feature() -> None:
    assert queue_of("recordings.normalise") == "recordings"


def wrapped(cause: Exception) -> ConnectorException:
    """As Procrastinate raises it when a job enqueues another."""
    error = ConnectorException()
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    "error",
    [
        MachineFault("disk full"),
        StoreUnavailable(),
        MemoryError(),
        OSError(errno.ENOSPC, "No space left on device"),
        wrapped(psycopg.OperationalError("server closed the connection unexpectedly")),
    ],
)
def test_the_machines_faults_are_tried_again_ever_later(error: Exception) -> None:
    pauses: list[float] = []
    for attempts in range(7):
        decision = Backoff(8).get_retry_decision(exception=error, job=attempted(attempts, kind_of(error)))
        assert decision is not None
        assert decision.retry_at is not None
        pauses.append(round((decision.retry_at - now()).total_seconds()))
    assert pauses == [5, 10, 20, 40, 80, 160, 320]
    assert Backoff(8).get_retry_decision(exception=error, job=attempted(7, kind_of(error))) is None
    late = Backoff(99).get_retry_decision(exception=error, job=attempted(50, kind_of(error)))
    assert late is not None
    assert late.retry_at is not None
    assert late.retry_at - now() <= timedelta(minutes=10)


@pytest.mark.parametrize(
    "error",
    [ValueError("truncated"), FileNotFoundError(errno.ENOENT, "gone"), wrapped(psycopg.DataError("null"))],
)
def test_the_files_faults_are_not_tried_again(error: Exception) -> None:
    assert Backoff(8).get_retry_decision(exception=error, job=attempted(0)) is None


def test_a_doubtful_fault_is_tried_again_a_few_times_only() -> None:
    """It may be our own: ten hours of trying would not tell the officer."""
    tried = [
        Backoff(66).get_retry_decision(exception=DoubtfulFault("?"), job=attempted(n, "doubt"))
        for n in range(5)
    ]
    assert [one is not None for one in tried] == [True, True, True, False, False]


def translated(cause: Exception) -> MachineFault:
    """As a feature's task raises what met it."""
    error = MachineFault(str(cause))
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    "error",
    [
        StoreUnavailable(),
        OSError(errno.ENOSPC, "No space left on device"),
        translated(OSError(errno.EDQUOT, "Disk quota exceeded")),
        MachineFault("no space left on the disk that ingest works on"),
        psycopg.OperationalError("server closed the connection unexpectedly"),
        wrapped(psycopg.OperationalError("server closed the connection unexpectedly")),
    ],
)
def test_an_outage_of_a_weekend_is_waited_for_at_a_bounded_interval(error: Exception) -> None:
    for times in (66, 1_000, 100_000):
        decision = Backoff(None).get_retry_decision(exception=error, job=attempted(times, "outage"))
        assert decision is not None
        assert decision.retry_at is not None
        assert timedelta(minutes=9) < decision.retry_at - now() <= timedelta(minutes=10)
    doubt = Backoff(None).get_retry_decision(exception=DoubtfulFault("?"), job=attempted(4, "doubt"))
    assert doubt is None


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        MachineFault("a media tool was killed by signal 9"),
        translated(FileNotFoundError(errno.ENOENT, "No such file or directory")),
        translated(PermissionError(errno.EACCES, "Permission denied")),
    ],
)
def test_what_is_no_outage_is_given_up_after_ten_hours(error: Exception) -> None:
    """It may be the service's own fault, which no waiting mends: a person must be told."""
    tried, waited = 0, timedelta()
    while decision := Backoff(None).get_retry_decision(exception=error, job=attempted(tried, "fault")):
        assert tried < MANY_ATTEMPTS
        assert decision.retry_at is not None
        tried, waited = tried + 1, waited + (decision.retry_at - now())
    assert timedelta(hours=9) < waited < timedelta(hours=11)


def test_a_long_outage_uses_up_no_other_faults_tries() -> None:
    killed = MachineFault("a media tool was killed by signal 9")
    assert Backoff(None).get_retry_decision(exception=killed, job=attempted(1_000, "outage"))


def test_what_a_shutdown_interrupts_starts_again_at_once() -> None:
    decision = Backoff(1).get_retry_decision(exception=JobAborted(), job=attempted(5))
    assert decision is not None
    assert decision.retry_at is not None
    assert decision.retry_at <= now()


@pytest.mark.parametrize(
    ("url", "expected"),
    [("postgresql+psycopg://u:p@/d?host=%2Fs", "postgresql://u:p@/d?host=%2Fs"), ("postgresql://h/d",) * 2],
)
def test_libpq_gets_an_address_it_knows(url: str, expected: str) -> None:
    assert libpq_url(url) == expected
