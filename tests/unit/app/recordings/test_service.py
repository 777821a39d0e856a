from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import event, func, insert, select
from sqlalchemy.orm import Session

from app.audit.models import AuditEvent
from app.core.clock import now
from app.core.db import Database
from app.core.errors import Forbidden, NotFound
from app.core.identity import Identity, Role
from app.exercises.models import Exercise
from app.recordings import queries, service
from app.recordings.models import Derivation, Recording, RecordingView
from app.recordings.service import viewing
from app.recordings.service.errors import AlreadyWithdrawn, NotProcessing, NotViewable
from app.recordings.service.jobdirs import LOCK_NAME
from app.storage.vault import Vault
from app.uploads.models import Upload
from app.uploads.queries import live_recordings
from tests.factories.accounts import make_identity
from tests.factories.exercises import make_exercise
from tests.factories.recordings import make_ready_recording, make_recording, stored_keys

FACTS = [one.name for one in Recording.__table__.columns if one.computed is None]


@pytest.fixture
def officer(database: Database) -> Identity:
    with database.transaction() as session:
        return make_identity(session, Role.DATA_OFFICER)


@pytest.fixture
def exercise(database: Database, officer: Identity) -> Exercise:
    with database.transaction() as session:
        return make_exercise(session, organisation_id=officer.organisation_id)


def _ready(database: Database, vault: Vault, exercise: Exercise) -> Recording:
    with database.transaction() as session:
        return make_ready_recording(session, vault, exercise=exercise)


def _tags(database: Database, recording: Recording) -> list[str]:
    with database.transaction() as session:
        query = select(AuditEvent.tag).where(AuditEvent.subject_id == recording.id).order_by(AuditEvent.id)
        return list(session.scalars(query))


def test_a_force_sees_its_own_and_nobody_elses(
    database: Database, vault: Vault, officer: Identity, exercise: Exercise
) -> None:
    mine = _ready(database, vault, exercise)
    with database.transaction() as session:
        stranger, auditor = make_identity(session, Role.DATA_OFFICER), make_identity(session, Role.AUDITOR)
        overview = service.get_overview(session, officer, mine.id)
        assert (overview.clips, overview.renditions) == (2, ["proxy"])
        assert [one.id for one in service.list_recordings(session, officer).items] == [mine.id]
        assert [clip.ordinal for clip in service.list_clips(session, officer, mine.id).items] == [1, 0]
        assert [one.id for one in service.list_recordings(session, auditor).items] == [mine.id]
        assert service.list_recordings(session, stranger).items == []
        with pytest.raises(NotFound):
            service.get_overview(session, stranger, mine.id)
        with pytest.raises(NotFound):
            service.open_rendition(session, stranger, mine.id, "proxy")
        with pytest.raises(NotFound):
            service.withdraw(session, stranger, mine.id, reason="not mine")
        with pytest.raises(Forbidden):
            service.open_rendition(session, auditor, mine.id, "proxy")


def test_looking_is_audited_once_a_window(
    database: Database,
    vault: Vault,
    officer: Identity,
    exercise: Exercise,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    mine = _ready(database, vault, exercise)
    at = now()
    for minutes in (0, 0, 0, 6):
        monkeypatch.setattr(viewing, "now", lambda later=at + timedelta(minutes=minutes): later)
        with database.transaction() as session:
            service.open_rendition(session, officer, mine.id, "proxy")
    assert _tags(database, mine) == ["recording:viewed"] * 2


@pytest.mark.parametrize("kind", ["master", "original", "pcm", "ledger", "telemetry", "poster", "../proxy"])
def test_what_is_not_for_looking_at_cannot_be_had(
    database: Database, vault: Vault, officer: Identity, exercise: Exercise, kind: str
) -> None:
    mine = _ready(database, vault, exercise)
    with database.transaction() as session, pytest.raises(NotViewable):
        service.open_rendition(session, officer, mine.id, kind)


def test_a_withdrawn_recording_shows_nothing_any_more(
    database: Database, vault: Vault, officer: Identity, exercise: Exercise
) -> None:
    mine = _ready(database, vault, exercise)
    with database.transaction() as session:
        done = service.withdraw(session, officer, mine.id, reason="A bystander asked for it")
        assert (done.state, done.reason) == ("withdrawn", "A bystander asked for it")
    with database.transaction() as session:
        with pytest.raises(NotViewable):
            service.open_rendition(session, officer, mine.id, "proxy")
        with pytest.raises(AlreadyWithdrawn):
            service.withdraw(session, officer, mine.id, reason="again")
    assert _tags(database, mine) == ["recording:withdrawn"]


def test_processing_can_be_stopped_once(
    database: Database, vault: Vault, officer: Identity, exercise: Exercise
) -> None:
    with database.transaction() as session:
        mine = make_recording(session, vault, exercise=exercise)
    with database.transaction() as session:
        assert service.cancel(session, officer, mine.id).reason_code == "cancelled"
    with database.transaction() as session, pytest.raises(NotProcessing):
        service.cancel(session, officer, mine.id)
    with database.transaction() as session:
        assert service.begin_attempt(session, mine.id) is None


def test_a_recording_whose_job_gave_up_is_not_processed_for_ever(
    database: Database, vault: Vault, exercise: Exercise
) -> None:
    with database.transaction() as session:
        old = make_recording(session, vault, exercise=exercise, received_at=now() - timedelta(hours=1))
        new = make_recording(session, vault, exercise=exercise, data=b"other")
    service.fail_abandoned(database)
    with database.transaction() as session:
        states = dict(session.execute(select(Recording.id, Recording.state)).all())
    assert states == {old.id: "rejected", new.id: "processing"}
    assert _tags(database, old) == ["recording:rejected"]


def test_strays_are_removed_and_nothing_else(database: Database, vault: Vault, exercise: Exercise) -> None:
    mine = _ready(database, vault, exercise)
    with database.transaction() as session:
        busy = make_recording(session, vault, exercise=exercise, data=b"busy")
        key = viewing.key_of(session, mine)
    kept = stored_keys(vault, mine.id)
    from io import BytesIO

    vault.write(key, f"recordings/{mine.id}/7/proxy.mp4", BytesIO(b"of an attempt that lost"))
    vault.write(key, f"recordings/{busy.id}/1/proxy.mp4", BytesIO(b"of an attempt that runs"))
    assert service.remove_strays(database, vault) == 1
    assert stored_keys(vault, mine.id) == kept
    assert len(stored_keys(vault, busy.id)) == 2


def _registered(session: Session, id_: UUID) -> None:
    session.get_one(Upload, id_).state = "recorded"


def _joined(session: Session, id_: UUID) -> None:
    session.get_one(Derivation, id_).state = "done"


@pytest.mark.parametrize("end", [_registered, _joined])
@pytest.mark.parametrize("before", range(3))
def test_what_becomes_a_recording_while_strays_are_looked_for_is_none(
    database: Database, vault: Vault, exercise: Exercise, end: Callable[[Session, UUID], None], before: int
) -> None:
    """Committed before this or that question that the sweep asks."""
    with database.transaction() as session:
        part = make_recording(session, vault, exercise=exercise, data=b"part")
        mine = make_recording(session, vault, exercise=exercise)
        if end is _joined:
            mine.upload_id = None
            session.add(_open_join(mine.id, part))
    facts = {name: said for name in FACTS if (said := getattr(mine, name)) is not None}
    with database.transaction() as session:  # as it was: stored, and not yet a recording
        session.delete(session.get_one(Recording, mine.id))
        if end is _registered:
            session.get_one(Upload, mine.id).state = "received"
    asked = itertools.count()

    def meanwhile(*_: object) -> None:
        if next(asked) == before:
            with database.transaction() as session:
                session.execute(insert(Recording).values(facts))
                end(session, mine.id)

    event.listen(database.engine, "before_cursor_execute", meanwhile)
    try:
        removed = service.remove_strays(database, vault, f"recordings/{mine.id}/")
    finally:
        event.remove(database.engine, "before_cursor_execute", meanwhile)
    assert (removed, stored_keys(vault, mine.id)) == (0, [mine.blob_key])


def _open_join(id_: UUID, part: Recording) -> Derivation:
    return Derivation(
        id=id_,
        recording_id=part.id,
        exercise_id=part.exercise_id,
        organisation_id=part.organisation_id,
        kind="join",
        parameters={"parts": [str(part.id)]},
    )


@pytest.mark.parametrize("order", [("quarantined", "ready"), ("ready", "quarantined")])
def test_of_the_same_bytes_the_one_in_use_is_named(
    database: Database, vault: Vault, exercise: Exercise, order: tuple[str, str]
) -> None:
    with database.transaction() as session:
        made = {
            state: make_recording(session, vault, exercise=exercise, data=b"same", state=state)
            for state in order
        }
        force, digest = exercise.organisation_id, made["ready"].sha256
        found = queries.same_file(session, force, digest)
        assert found is made["ready"]
        assert queries.same_files(session, force, [digest]) == {digest: made["ready"].id}
        assert session.scalar(live_recordings(force, digest)) == made["ready"].id
        made["ready"].state = "withdrawn"
        session.flush()
        assert queries.same_file(session, force, digest) is made["quarantined"]


def test_old_view_marks_are_forgotten(
    database: Database, vault: Vault, officer: Identity, exercise: Exercise, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = _ready(database, vault, exercise)
    monkeypatch.setattr(viewing, "now", lambda: now() - timedelta(hours=5))
    with database.transaction() as session:
        service.open_rendition(session, officer, mine.id, "proxy")
    service.fail_abandoned(database)
    with database.transaction() as session:
        assert session.scalar(select(func.count()).select_from(RecordingView)) == 0


def test_job_directories_of_the_dead_are_removed(tmp_path: Path) -> None:
    work = tmp_path / "work"
    with service.job_directory(work) as alive:
        (work / "job-dead").mkdir()
        (work / "job-dead" / LOCK_NAME).touch()
        (work / "job-dead" / "original").write_bytes(b"plaintext")
        (work / "job-unlocked").mkdir()
        assert service.remove_abandoned(work) == 2
        assert alive.is_dir()
        assert alive.stat().st_mode & 0o777 == 0o700
    assert list(work.glob("job-*")) == []
