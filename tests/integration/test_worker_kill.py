"""Killing the worker in the middle of coding a recording: it is ready within two minutes, exactly once."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from sqlalchemy import func, select

from app.audit.models import AuditEvent
from app.core.db import Database
from app.jobs import defer, progress_of, status_of
from app.recordings.models import Clip, Recording, Rendition
from app.settings import Settings
from app.storage.vault import Vault
from tests.factories.recordings import make_film, make_recording, stored_keys
from tests.factories.server import kill_worker, start_worker

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]


def _step(database: Database, recording: Recording) -> str:
    with database.transaction() as session:
        row = progress_of(session, "recording", recording.id)
        return row.step if row else ""


def _state(database: Database, recording: Recording) -> str:
    with database.transaction() as session:
        row = session.get(Recording, recording.id)
        assert row is not None
        return row.state


def test_a_killed_worker_is_replaced_and_nothing_is_there_twice(
    database: Database, settings: Settings, vault: Vault, tmp_path: Path
) -> None:
    film = make_film(tmp_path / "film.mp4", seconds=20, rate=30, size="640x360").read_bytes()
    with database.transaction() as session:
        recording = make_recording(session, vault, data=film)
        recording.job_id = defer(session, "recordings.normalise", recording_id=recording.id)
    first = start_worker(settings, tmp_path / "worker.log")
    second = None
    try:
        _until(lambda: _step(database, recording) == "encode", 60, tmp_path)
        kill_worker(first)
        killed = time.monotonic()
        assert _state(database, recording) == "processing"
        second = start_worker(settings, tmp_path / "worker.log")
        _until(lambda: _state(database, recording) != "processing", 120, tmp_path)
        took = time.monotonic() - killed
        _until(lambda: _job_ended(database, recording), 30, tmp_path)  # it tidies up after itself
    finally:
        kill_worker(first)
        if second is not None:
            kill_worker(second)
    assert took < 120
    _check_once(database, vault, recording)
    assert list(settings.work_dir.glob("job-*")) == []
    assert not _processes_naming(str(settings.work_dir))


def _job_ended(database: Database, recording: Recording) -> bool:
    with database.transaction() as session:
        row = session.get(Recording, recording.id)
        return row is not None and row.job_id is not None and status_of(session, row.job_id) == "succeeded"


def _check_once(database: Database, vault: Vault, recording: Recording) -> None:
    with database.transaction() as session:
        done = session.get(Recording, recording.id)
        assert done is not None
        assert (done.state, done.attempt) == ("ready", 1)
        renditions = list(session.scalars(select(Rendition).where(Rendition.recording_id == done.id)))
        clips = list(session.scalars(select(Clip).where(Clip.recording_id == done.id)))
        ready = select(func.count()).where(
            AuditEvent.subject_id == done.id, AuditEvent.tag == "recording:ready"
        )
        assert session.scalar(ready) == 1
    assert {one.attempt for one in renditions} == {1}
    assert sorted(clip.ordinal for clip in clips) == list(range(len(clips)))
    named = {one.blob_key for one in (*renditions, *clips)} | {done.blob_key}
    assert set(stored_keys(vault, recording.id)) == named


def _processes_naming(path: str) -> list[str]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                line = (entry / "cmdline").read_bytes().decode(errors="replace")
            except OSError:
                continue
            if path in line:
                found.append(line)
    return found


def _until(true: object, seconds: float, tmp_path: Path) -> None:
    deadline = time.monotonic() + seconds
    while not true():  # type: ignore[operator]
        if time.monotonic() > deadline:
            pytest.fail("it did not happen in time:\n" + (tmp_path / "worker.log").read_text()[-3000:])
        time.sleep(0.1)
