"""Which stalled jobs are taken over once more, and which are given up: Procrastinate's own rows, no worker."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import text

from app.core.clock import now
from app.core.db import Database
from app.jobs import defer, status_of
from app.jobs.app import job_app
from app.jobs.recovery import MAX_TAKEOVERS, RECOVER

FETCH = text("SELECT id FROM procrastinate_fetch_job_v2(NULL, :worker)")


def _stall(database: Database, job: int, pauses: int, takeovers: int) -> None:
    """Begins the job again and again, puts it back for later or for at once, and leaves it with a dead worker."""
    with database.transaction() as session:
        dead = "INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '1 hour') RETURNING id"
        worker = session.scalar(text(dead))
    again = text("SELECT procrastinate_retry_job_v2(:job, :at, NULL, NULL, NULL)")
    due = text("UPDATE procrastinate_jobs SET scheduled_at = NULL WHERE id = :job")
    for pause in [60] * pauses + [0] * takeovers:
        with database.transaction() as session:
            assert session.scalar(FETCH, {"worker": worker}) == job
        with database.transaction() as session:
            session.execute(again, {"job": job, "at": now() + timedelta(seconds=pause)})
        with database.transaction() as session:
            session.execute(due, {"job": job})
    with database.transaction() as session:
        assert session.scalar(FETCH, {"worker": worker}) == job


async def _recover(url: str) -> None:
    app = job_app(url)
    async with app.open_async():
        await app.tasks[RECOVER].defer_async(timestamp=0)
        await app.run_worker_async(queues=["jobs"], wait=False, install_signal_handlers=False)


@pytest.mark.parametrize(
    ("pauses", "takeovers", "after"),
    [(0, 1, "todo"), (0, MAX_TAKEOVERS, "failed"), (20, 1, "todo"), (20, MAX_TAKEOVERS, "failed")],
)
def test_only_takeovers_are_counted(
    database: Database, database_url: str, pauses: int, takeovers: int, after: str
) -> None:
    """A job that waited hours for a full disk is not given up because its worker was then stopped."""
    with database.transaction() as session:
        job = defer(session, "recordings.encode")
    _stall(database, job, pauses, takeovers)
    asyncio.run(_recover(database_url))
    with database.transaction() as session:
        assert status_of(session, job) == after
