"""An upload's whole way through the jobs, with real ffmpeg, vault and database."""

from __future__ import annotations

import hashlib
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import func, select, text

from app.audit.models import AuditEvent
from app.core.db import Database
from app.core.identity import Role
from app.exercises.models import Exercise
from app.jobs import Superseded
from app.recordings import service, tasks
from app.recordings.ledger import load_ledger
from app.recordings.models import Clip, Recording, Rendition
from app.settings import Settings
from app.storage.models import DataKey
from app.storage.vault import Vault
from app.uploads import tasks as upload_tasks
from app.uploads.models import Upload
from app.uploads.service import Declared, Receiver, Staging, create_upload
from tests.factories.accounts import make_identity
from tests.factories.exercises import make_exercise
from tests.factories.recordings import job_context, make_film, make_recording, stored_keys
from tests.factories.uploads import BytesSource

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return make_film(tmp_path_factory.mktemp("film") / "film.mp4").read_bytes()


def _hand_over(
    database: Database, settings: Settings, data: bytes, exercise: Exercise | None = None
) -> Upload:
    with database.transaction() as session:
        home = exercise or make_exercise(session)
        from app.accounts.models import Organisation

        owner = session.get(Organisation, home.organisation_id)
        officer = make_identity(session, Role.DATA_OFFICER, organisation=owner)
        said = Declared(exercise_id=home.id, filename="film.mp4", sha256=hashlib.sha256(data).digest())
        upload = create_upload(session, officer, settings, length=len(data), declared=said)
    receiver = Receiver(database, settings, Staging(settings.uploads_dir))
    source = BytesSource(data)
    return receiver.receive(officer, upload.id, offset=0, length=len(data), source=source)


def _get(database: Database, kind: type[Recording] | type[Upload], id_: UUID) -> Recording | Upload | None:
    with database.transaction() as session:
        return session.get(kind, id_)


def test_an_upload_becomes_a_ready_recording(
    database: Database, settings: Settings, vault: Vault, film: bytes
) -> None:
    upload = _hand_over(database, settings, film)
    job = job_context(database, settings, vault)
    for _ in range(2):  # every job may run again
        upload_tasks.complete(job, upload_id=upload.id)
        tasks.register(job, upload_id=upload.id)
    recording = _get(database, Recording, upload.id)
    assert isinstance(recording, Recording)
    assert recording.state == "processing"
    assert not Staging(settings.uploads_dir).path(upload.id).exists()
    tasks.normalise(job, recording_id=upload.id)
    tasks.normalise(job_context(database, settings, vault, job_id=2), recording_id=upload.id)

    with database.transaction() as session:
        done = session.get(Recording, upload.id)
        assert done is not None
        assert (done.state, done.frame_count, done.attempt) == ("ready", 40, 1)
        kinds = set(session.scalars(select(Rendition.kind).where(Rendition.recording_id == done.id)))
        assert {"master", "proxy", "storyboard", "storyboard_index", "poster", "waveform", "ledger"} <= kinds
        clips = list(session.scalars(select(Clip).order_by(Clip.ordinal)))
        assert clips[0].start_frame == 0
        assert clips[-1].end_frame == 40
        ledger = load_ledger(vault, session, done)
        assert ledger.frame_count == 40
        assert clips[-1].end_pts == ledger.end_pts
        key = session.get(DataKey, done.data_key_id)
        assert key is not None
        with vault.open(key, done.blob_key) as stored:
            assert stored.read() == film
        rendition = session.scalars(select(Rendition).where(Rendition.kind == "proxy")).one()
        with vault.open(key, rendition.blob_key) as stored:
            assert hashlib.sha256(stored.read()).digest() == rendition.sha256
        tags = list(session.scalars(select(AuditEvent.tag).where(AuditEvent.subject_id == done.id)))
        assert tags.count("recording:ready") == 1
        jobs = list(session.scalars(text("SELECT task_name FROM procrastinate_jobs ORDER BY id")))
    assert jobs == [
        "uploads.complete",
        "recordings.register",
        "recordings.normalise",
        "annotation.open_tasks",
        "redaction.propose",
    ]
    assert list(settings.work_dir.glob("job-*")) == []
    named = {key.rpartition("/")[2] for key in stored_keys(vault, upload.id)}
    assert "original" in named


@pytest.mark.parametrize(
    ("data", "code"),
    [(b"WEBVTT\n\nnot a film, whatever its name\n" * 50, "not_media"), (b"\0" * 4096, "not_media")],
)
def test_what_is_no_film_is_rejected_with_a_reason(
    database: Database, settings: Settings, vault: Vault, data: bytes, code: str
) -> None:
    with database.transaction() as session:
        recording = make_recording(session, vault, data=data)
    tasks.normalise(job_context(database, settings, vault), recording_id=recording.id)
    done = _get(database, Recording, recording.id)
    assert isinstance(done, Recording)
    assert (done.state, done.reason_code) == ("rejected", code)
    assert done.reason
    assert stored_keys(vault, recording.id) == [recording.blob_key]


def test_a_truncated_film_is_rejected(
    database: Database, settings: Settings, vault: Vault, film: bytes
) -> None:
    with database.transaction() as session:
        recording = make_recording(session, vault, data=film[: len(film) // 2])
    tasks.normalise(job_context(database, settings, vault), recording_id=recording.id)
    done = _get(database, Recording, recording.id)
    assert isinstance(done, Recording)
    assert done.state == "rejected"


def test_the_same_file_twice_is_said_to_the_same_force_only(
    database: Database, settings: Settings, vault: Vault
) -> None:
    data = b"the very same bytes"
    with database.transaction() as session:
        exercise = make_exercise(session)
    job = job_context(database, settings, vault)
    first, again = (_hand_over(database, settings, data, exercise) for _ in range(2))
    foreign = _hand_over(database, settings, data)
    for upload in (first, again, foreign):
        upload_tasks.complete(job, upload_id=upload.id)
        tasks.register(job, upload_id=upload.id)
    found = [_get(database, Upload, upload.id) for upload in (first, again, foreign)]
    assert [one.state for one in found if isinstance(one, Upload)] == ["recorded", "rejected", "recorded"]
    repeated = found[1]
    assert isinstance(repeated, Upload)
    assert repeated.reason_code == "duplicate"
    assert repeated.recording_id == first.id
    assert not Staging(settings.uploads_dir).path(again.id).exists()
    with database.transaction() as session:
        assert session.scalar(select(func.count()).select_from(DataKey)) == 2


def test_an_attempt_that_was_overtaken_leaves_no_trace(
    database: Database, settings: Settings, vault: Vault, film: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    with database.transaction() as session:
        recording = make_recording(session, vault, data=film)
    store = service.store_outputs

    def overtaken(*args: object) -> None:
        """Stands for the pause of a stopped worker: its replacement does everything before it goes on."""
        store(*args)  # type: ignore[arg-type]
        monkeypatch.setattr(service, "store_outputs", store)
        tasks.normalise(job_context(database, settings, vault, attempt=2), recording_id=recording.id)

    monkeypatch.setattr(service, "store_outputs", overtaken)
    with pytest.raises(Superseded):
        tasks.normalise(job_context(database, settings, vault), recording_id=recording.id)
    with database.transaction() as session:
        attempts = set(session.scalars(select(Rendition.attempt)))
        blobs = set(session.scalars(select(Rendition.blob_key))) | set(session.scalars(select(Clip.blob_key)))
    assert attempts == {2}
    assert set(stored_keys(vault, recording.id)) == blobs | {recording.blob_key}


def test_registering_that_was_cut_short_is_repeated(
    database: Database, settings: Settings, vault: Vault, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    data = b"bytes that are stored once"
    upload = _hand_over(database, settings, data)
    job = job_context(database, settings, vault)
    upload_tasks.complete(job, upload_id=upload.id)

    class Killed(BaseException):
        pass

    def killed(*_: object) -> None:
        raise Killed

    from app.recordings.service import registering

    with monkeypatch.context() as patch:
        patch.setattr(
            registering, "note", killed
        )  # after the object was stored, before the transaction ended
        with pytest.raises(Killed):
            tasks.register(job, upload_id=upload.id)
    still = _get(database, Upload, upload.id)
    assert isinstance(still, Upload)
    assert still.state == "received"
    tasks.register(job, upload_id=upload.id)
    with database.transaction() as session:
        recording = session.get(Recording, upload.id)
        assert recording is not None
        key = session.get(DataKey, recording.data_key_id)
        assert key is not None
        with vault.open(key, recording.blob_key) as stored:
            assert stored.read() == data
    assert stored_keys(vault, upload.id) == [recording.blob_key]
