"""Who writes to an upload, where machines share the database and not each other's file locks."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select, update

from app.core.db import Database
from app.core.identity import Identity, Role
from app.settings import Settings
from app.uploads import service
from app.uploads.models import UploadWriter
from app.uploads.service import Declared, Receiver, Staging, holding, leases
from app.uploads.service.acknowledging import advance
from app.uploads.service.errors import UploadLocked
from app.uploads.service.holding import Holds
from tests.factories.accounts import make_identity
from tests.factories.exercises import make_exercise
from tests.factories.uploads import BytesSource


class Elsewhere(Staging):
    """The same directory as another machine sees it, to which our file locks mean nothing."""

    def _try_lock(self, descriptor: int, upload_id: UUID) -> bool:
        del descriptor, upload_id
        return True

    def _note(self, upload_id: UUID) -> Path:
        return self.directory / f"{upload_id}.seen-elsewhere.release"


@dataclass
class Desk:
    db: Database
    settings: Settings
    officer: Identity
    upload_id: UUID

    @property
    def receiver(self) -> Receiver:
        return Receiver(self.db, self.settings, Staging(self.settings.uploads_dir))

    @property
    def other_machine(self) -> Holds:
        return Holds(self.db, Elsewhere(self.settings.uploads_dir), "elsewhere")

    def send(self, data: bytes, offset: int) -> None:
        source = BytesSource(data)
        self.receiver.receive(self.officer, self.upload_id, offset=offset, length=len(data), source=source)


@pytest.fixture
def desk(database: Database, settings: Settings) -> Desk:
    with database.transaction() as session:
        officer = make_identity(session, Role.DATA_OFFICER)
        home = make_exercise(session, organisation_id=officer.organisation_id)
        said = Declared(exercise_id=home.id)
        upload = service.create_upload(session, officer, settings, length=10, declared=said)
    made = Desk(database, settings, officer, upload.id)
    made.send(b"01", 0)
    return made


def _write_until_asked(desk: Desk, began: threading.Event, ended: threading.Event) -> None:
    with desk.other_machine.writing(desk.upload_id) as writing:
        began.set()
        while not writing.must_let_go():
            time.sleep(0.02)
    ended.set()


def test_a_resuming_client_takes_over_from_another_machines_request(desk: Desk) -> None:
    began, ended = threading.Event(), threading.Event()
    stale = threading.Thread(target=_write_until_asked, args=(desk, began, ended))
    stale.start()
    assert began.wait(5)
    started = time.monotonic()
    assert desk.receiver.offset(desk.officer, desk.upload_id).offset == 2
    assert ended.is_set()
    assert time.monotonic() - started < 2
    stale.join()
    desk.send(b"23", 2)


def test_a_second_writer_waits_for_a_live_one_elsewhere(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(holding, "WRITER_PATIENCE_SECONDS", 0.3)
    with desk.other_machine.writing(desk.upload_id) as writing:
        writing.file.resume(2)
        writing.file.append(memoryview(b"alive"))
        with pytest.raises(UploadLocked):
            desk.send(b"23", 2)
        assert not writing.must_let_go()
    desk.send(b"23", 2)


def test_a_lease_of_a_machine_that_died_ends(desk: Desk) -> None:
    with desk.other_machine.writing(desk.upload_id):
        _age(desk, leases.LEASE_SECONDS + 1)
        desk.send(b"23", 2)
        assert desk.receiver.offset(desk.officer, desk.upload_id).offset == 4


def test_a_dead_process_of_this_machine_holds_nothing(desk: Desk) -> None:
    with desk.db.transaction() as session:
        assert leases.take(session, desk.upload_id, UUID(int=1), leases.this_machine())
    desk.send(b"23", 2)


def test_whoever_slept_through_a_takeover_acknowledges_nothing(desk: Desk) -> None:
    with desk.other_machine.writing(desk.upload_id) as asleep:
        asleep.file.resume(2)
        asleep.file.append(memoryview(b"89"))
        _age(desk, leases.LEASE_SECONDS + 1)
        with desk.receiver.holds.writing(desk.upload_id):
            with pytest.raises(UploadLocked), desk.db.transaction() as session:
                advance(session, desk.officer, desk.settings, desk.upload_id, 2, 4, [], writer=asleep.writer)
            asleep._next_beat = 0.0
            assert asleep.must_let_go()
    desk.send(b"23", 2)
    assert Staging(desk.settings.uploads_dir).path(desk.upload_id).read_bytes() == b"0123"


def test_a_writer_gives_signs_of_life(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "BEAT_SECONDS", 0.0)
    with desk.other_machine.writing(desk.upload_id) as writing:
        _age(desk, leases.LEASE_SECONDS - 1)
        assert not writing.must_let_go()
        with desk.db.transaction() as session:
            age = session.scalars(select(func.clock_timestamp() - UploadWriter.seen_at)).one()
        assert age < timedelta(seconds=1)


def _age(desk: Desk, seconds: float) -> None:
    older = UploadWriter.seen_at - timedelta(seconds=seconds)
    with desk.db.transaction() as session:
        session.execute(update(UploadWriter).values(seen_at=older))


def test_the_sweep_forgets_a_writer_that_died_after_the_last_byte(desk: Desk) -> None:
    staging = Staging(desk.settings.uploads_dir)

    def leave_a_lease() -> None:
        with desk.db.transaction() as session:
            leases.take(session, desk.upload_id, uuid4(), leases.this_machine())
            long_ago = func.clock_timestamp() - timedelta(hours=2)
            session.execute(update(UploadWriter).values(seen_at=long_ago))

    def left() -> int:
        service.sweep(desk.db, staging)
        with desk.db.transaction() as session:
            return len(session.scalars(select(UploadWriter.writer)).all())

    leave_a_lease()
    assert left() == 1, "bytes are still to come: whoever sends them may be slow"
    desk.send(b"23456789", 2)
    leave_a_lease()
    assert left() == 0
