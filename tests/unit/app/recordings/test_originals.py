"""Decrypted originals: what is left of them when a job fails, is stopped, or finds nothing to do."""

from __future__ import annotations

import os
from contextlib import ExitStack
from pathlib import Path

import pytest

from app.core.db import Database
from app.jobs import JobAborted
from app.recordings import service, tasks
from app.recordings.models import Recording
from app.recordings.service import hold_original, remove_idle
from app.recordings.service.jobdirs import LOCK_NAME
from app.recordings.service.originals import MOST_IDLE
from app.settings import Settings
from app.storage.models import DataKey
from app.storage.vault import Vault
from tests.factories.recordings import job_context, make_film, make_recording


@pytest.fixture
def recording(database: Database, vault: Vault) -> Recording:
    with database.transaction() as session:
        return make_recording(session, vault, data=b"x" * (3 << 20))


def _hold(database: Database, settings: Settings, vault: Vault, recording: Recording, fail_at: int) -> None:
    """Holds the original for a moment; the check before that mebibyte fails."""
    left = [fail_at]

    def check() -> None:
        left[0] -= 1
        if left[0] == 0:
            raise JobAborted

    with database.transaction() as session:
        key = session.get_one(DataKey, recording.data_key_id)
    with hold_original(settings.work_dir, vault, key, recording.id, recording.blob_key, check) as path:
        assert path.stat().st_size == 3 << 20


def _originals(settings: Settings) -> list[Path]:
    return [path for path in settings.work_dir.glob("original-*/*") if not path.name.startswith(".")]


def test_half_an_original_gives_its_room_back(
    database: Database, settings: Settings, vault: Vault, recording: Recording
) -> None:
    with pytest.raises(JobAborted):
        _hold(database, settings, vault, recording, fail_at=2)
    assert _originals(settings) == []
    _hold(database, settings, vault, recording, fail_at=-1)
    assert [path.name for path in _originals(settings)] == ["original"]


def test_a_job_that_finds_the_recording_ended_removes_the_original(
    database: Database, settings: Settings, vault: Vault, recording: Recording
) -> None:
    """Another job refused it while this machine still held the file."""
    _hold(database, settings, vault, recording, fail_at=-1)
    with database.transaction() as session:
        service.refuse(session, recording.id, "truncated", "The file is cut short.")
    tasks.encode(job_context(database, settings, vault), recording_id=recording.id, step="sound")
    assert list(settings.work_dir.glob("original-*")) == []


def test_a_process_that_is_just_being_started_keeps_no_original(
    database: Database, settings: Settings, vault: Vault, recording: Recording
) -> None:
    """Between fork and exec a child has a copy of every descriptor, the lock's among them."""
    with database.transaction() as session:
        key = session.get_one(DataKey, recording.data_key_id)
    with hold_original(settings.work_dir, vault, key, recording.id, recording.blob_key, lambda: None) as path:
        lock = path.with_name(LOCK_NAME)
        (held,) = (fd for fd in Path("/proc/self/fd").iterdir() if fd.exists() and fd.samefile(lock))
        copy = os.dup(int(held.name))
    remove_idle(settings.work_dir, recording.id)
    os.close(copy)
    assert not path.parent.exists()


def _left(settings: Settings) -> set[str]:
    return {path.parent.name.removeprefix("original-") for path in _originals(settings)}


def test_a_backlog_leaves_few_originals_the_latest_ones(
    database: Database, settings: Settings, vault: Vault
) -> None:
    """Of each recording this worker did one step, and others the next: nobody here takes its original up again."""
    made = []
    for number in range(MOST_IDLE + 3):
        with database.transaction() as session:
            made.append(make_recording(session, vault, data=bytes([number]) * (3 << 20)))
        _hold(database, settings, vault, made[-1], fail_at=-1)
        folder = settings.work_dir / f"original-{made[-1].id}"
        os.utime(folder, (folder.stat().st_mtime - 100 + number,) * 2)
    remove_idle(settings.work_dir)
    assert _left(settings) == {str(one.id) for one in made[-MOST_IDLE:]}


def test_originals_in_use_are_kept_however_many(database: Database, settings: Settings, vault: Vault) -> None:
    with ExitStack() as stack:
        for number in range(MOST_IDLE + 3):
            with database.transaction() as session:
                made = make_recording(session, vault, data=bytes([number]) * 9)
                key = session.get_one(DataKey, made.data_key_id)
            stack.enter_context(
                hold_original(settings.work_dir, vault, key, made.id, made.blob_key, lambda: None)
            )
        remove_idle(settings.work_dir)
        assert len(_left(settings)) == MOST_IDLE + 3
    remove_idle(settings.work_dir)
    assert len(_left(settings)) == MOST_IDLE


def test_a_worker_that_plans_a_backlog_keeps_few_originals_after_each_job(
    database: Database, settings: Settings, vault: Vault, tmp_path: Path
) -> None:
    """The jobs themselves see to it, the failed ones too: no cleaning is waited for."""
    film = make_film(tmp_path / "film.mp4", seconds=1).read_bytes()
    for number in range(MOST_IDLE + 2):
        with database.transaction() as session:
            made = make_recording(session, vault, data=film + bytes([number]))
        tasks.normalise(job_context(database, settings, vault, job_id=100 + number), recording_id=made.id)
        with database.transaction() as session:
            assert session.get_one(Recording, made.id).state == "processing"
        assert len(_left(settings)) == min(number + 1, MOST_IDLE)
