"""How far a recording is: time in a queue is no time of work, and what it waits for is told."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event, text
from sqlalchemy.orm import Session

from app.core.clock import now
from app.core.db import Database
from app.jobs import MEDIA_QUEUE, JobProgress, MachineWait, defer
from app.recordings import service
from app.recordings.models import IngestStep, Recording
from app.recordings.service import IngestProgress
from app.storage.vault import Vault
from tests.factories.recordings import make_recording

CHUNKS = 4
FRAMES = 1000


@pytest.fixture
def recording(database: Database, vault: Vault) -> Recording:
    """Planned a minute ago in chunks of 1,000 frames, and nothing of it begun."""
    with database.transaction() as session:
        return _planned(session, vault)


def _planned(session: Session, vault: Vault) -> Recording:
    made = make_recording(session, vault)
    made.job_id = defer(session, "recordings.normalise", recording_id=made.id)
    _end(session, made.job_id, "succeeded")
    session.add(_row(made, made.job_id, began_at=now(), step="plan"))
    for name, frames in [("sound", 0), *((f"encode-{n:04}", FRAMES) for n in range(CHUNKS))]:
        step = IngestStep(recording_id=made.id, name=name, key="k", frames=frames)
        step.job_id = defer(session, "recordings.encode", queue=MEDIA_QUEUE, step=name)
        session.add(step)
    return made


def _end(session: Session, job_id: int | None, status: str) -> None:
    session.execute(
        text("UPDATE procrastinate_jobs SET status = :status WHERE id = :id"),
        {"status": status, "id": job_id},
    )


def _row(recording: Recording, job_id: int | None, **values: Any) -> JobProgress:
    facts = {"subject_kind": "recording", "subject_id": recording.id, "attempt": 1, "worker": "w:1"}
    return JobProgress(job_id=job_id, **facts | values)


def _step(session: Session, recording: Recording, name: str) -> IngestStep:
    rows = session.query(IngestStep).filter_by(recording_id=recording.id, name=name)
    return rows.one()


def _work(database: Database, recording: Recording, number: int, began: datetime, done: int) -> None:
    """A chunk's job that began then, runs, and has coded so many frames by now; all of them end it."""
    with database.transaction() as session:
        step = _step(session, recording, f"encode-{number:04}")
        _end(session, step.job_id, "succeeded" if done == FRAMES else "doing")
        session.add(_row(recording, step.job_id, began_at=began, done=done, total=FRAMES, unit="frames"))
        if done == FRAMES:
            step.files, step.done_at = {}, now()


def _seen(database: Database, recording: Recording) -> IngestProgress:
    with database.transaction() as session:
        found = service.progress(session, session.get_one(Recording, recording.id))
    assert found is not None
    return found


def test_an_hour_in_the_queue_is_no_hour_of_work(database: Database, recording: Recording) -> None:
    """2 % done in a minute leave about 49 minutes, however long the recording waited before."""
    with database.transaction() as session:
        session.execute(text("UPDATE ingest_steps SET created_at = now() - interval '1 hour'"))
    _work(database, recording, 0, now() - timedelta(minutes=1), 80)
    found = _seen(database, recording)
    assert found.waiting is None
    assert found.eta_seconds == pytest.approx(49 * 60, rel=0.02)


def test_time_between_two_of_its_jobs_does_not_count_either(database: Database, recording: Recording) -> None:
    _work(database, recording, 0, now() - timedelta(minutes=1), FRAMES)
    with database.transaction() as session:
        step = _step(session, recording, "encode-0000")
        row = session.get_one(JobProgress, step.job_id)
        row.began_at = row.updated_at = now() - timedelta(hours=61)
        step.done_at = now() - timedelta(hours=60)
    _work(database, recording, 1, now() - timedelta(hours=1), 0)
    assert _seen(database, recording).eta_seconds == pytest.approx(2 * 3600 * 3, rel=0.02)


def test_two_workers_at_once_are_twice_as_fast(database: Database, recording: Recording) -> None:
    for number in (0, 1):
        _work(database, recording, number, now() - timedelta(minutes=1), 500)
    assert _seen(database, recording).eta_seconds == pytest.approx(3 * 60, rel=0.02)


def test_what_was_planned_says_that_it_waits_and_behind_how_many(
    database: Database, recording: Recording
) -> None:
    with database.transaction() as session:
        for _ in range(3):
            defer(session, "recordings.assemble", queue=MEDIA_QUEUE, priority=20)
    found = _seen(database, recording)
    assert (found.step, found.done, found.total, found.eta_seconds) == ("encode", 0, CHUNKS * FRAMES, None)
    assert found.waiting is not None
    assert (found.waiting.before, found.waiting.machine) == (3, None)


def test_what_waits_for_the_machine_says_since_when_and_why(database: Database, recording: Recording) -> None:
    since, why = now() - timedelta(days=2), "store-unavailable"
    with database.transaction() as session:
        session.execute(
            text("UPDATE procrastinate_jobs SET args = args || CAST(:said AS jsonb) WHERE status = 'todo'"),
            {"said": json.dumps({"_tally": {"since": since.isoformat(), "why": why, "attempt": 0}})},
        )
    service.fail_abandoned(database)
    found = _seen(database, recording)
    assert found.waiting is not None
    assert found.waiting.machine == MachineWait(since, why)


def test_the_joining_waits_for_its_turn_too(database: Database, recording: Recording) -> None:
    """And shows nothing of the jobs before it, as what is processed again shows nothing of what was."""
    with database.transaction() as session:
        session.execute(text("UPDATE ingest_steps SET files = '{}', done_at = now()"))
        row = session.get_one(Recording, recording.id)
        row.job_id = defer(session, "recordings.assemble", queue=MEDIA_QUEUE)
    found = _seen(database, recording)
    assert (found.step, found.done, found.total) == ("assemble", 0, None)
    assert found.waiting is not None


def test_many_are_told_as_each_alone_by_a_few_queries(database: Database, vault: Vault) -> None:
    """A page shows fifty, and asks again every two seconds."""
    with database.transaction() as session:
        some = [_planned(session, vault) for _ in range(4)]
        some[1].state = "ready"
    for number, one in enumerate(some[2:]):
        _work(database, one, 0, now() - timedelta(minutes=1 + number), 100 + 300 * number)
    with database.transaction() as session:
        rows = [session.get_one(Recording, one.id) for one in some]
        alone = {row.id: service.progress(session, row) for row in rows}
        asked: list[str] = []
        event.listen(session.connection(), "before_cursor_execute", lambda *a: asked.append(a[2]))
        found = service.progress_of_many(session, rows)
    assert found == {one: told for one, told in alone.items() if told is not None}
    assert len(found) == 3
    assert len({told.eta_seconds for told in found.values()}) == 3
    assert len(asked) == 5
