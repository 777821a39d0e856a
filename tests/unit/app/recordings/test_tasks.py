"""An upload's whole way through the jobs, with real ffmpeg, vault and database."""

from __future__ import annotations

import errno
import hashlib
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select, text, update

from app.accounts.models import Organisation
from app.audit.models import AuditEvent
from app.core.db import Database
from app.core.identity import Role
from app.exercises.models import Exercise
from app.jobs import MachineFault, Superseded, defer
from app.jobs.task import declared_in
from app.recordings import queries, service, tasks
from app.recordings.ledger import load_ledger
from app.recordings.models import Clip, IngestStep, Recording, Rendition
from app.recordings.service import KeptSteps
from app.redaction import tasks as redaction_tasks
from app.settings import Settings
from app.storage.models import DataKey
from app.storage.vault import Vault
from app.uploads import tasks as upload_tasks
from app.uploads.models import Upload
from app.uploads.service import Declared, Receiver, Staging, create_upload
from tests.factories.accounts import make_identity
from tests.factories.exercises import make_exercise
from tests.factories.recordings import (
    ingest_on_the_spot,
    job_context,
    make_film,
    make_recording,
    stored_keys,
    waiting_steps,
)
from tests.factories.uploads import BytesSource
from tests.factories.watching import watch_writes

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return make_film(tmp_path_factory.mktemp("film") / "film.mp4").read_bytes()


def _hand_over(
    database: Database, settings: Settings, data: bytes, exercise: Exercise | None = None
) -> Upload:
    with database.transaction() as session:
        home = exercise or make_exercise(session)
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
    for first_job in (100, 200):  # the second finds nothing to do
        ingest_on_the_spot(database, settings, vault, upload.id, first_job=first_job)

    with database.transaction() as session:
        done = session.get(Recording, upload.id)
        assert done is not None
        assert (done.state, done.frame_count, done.attempt) == ("ready", 40, 1)
        kinds = set(session.scalars(select(Rendition.kind).where(Rendition.recording_id == done.id)))
        assert {"master", "proxy", "storyboard", "storyboard_index", "poster", "waveform", "ledger"} <= kinds
        clips = list(session.scalars(select(Clip).order_by(Clip.ordinal)))
        assert clips[0].start_frame == 0
        assert clips[-1].end_frame == 40
        assert [clip.reasons for clip in clips] == [["fixed_length"]] * len(clips)
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
        "recordings.encode",
        "recordings.encode",
        "recordings.assemble",
        "recordings.compare",
        "annotation.open_tasks",
        "redaction.propose",
    ]
    assert [path.name for path in settings.work_dir.iterdir() if path.is_dir()] == []
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
    ingest_on_the_spot(database, settings, vault, recording.id)
    done = _get(database, Recording, recording.id)
    assert isinstance(done, Recording)
    assert done.state == "rejected"


@pytest.mark.parametrize("live", ["processing", "quarantined"])
def test_the_same_file_twice_is_said_to_the_same_force_only(
    database: Database, settings: Settings, vault: Vault, live: str
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
        with database.transaction() as session:
            session.execute(update(Recording).where(Recording.id == first.id).values(state=live))
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
    tasks.normalise(job_context(database, settings, vault), recording_id=recording.id)
    for number, name in enumerate(waiting_steps(database, recording.id), 10):
        job = job_context(database, settings, vault, job_id=number)
        tasks.encode(job, recording_id=recording.id, step=name)

    def overtaken(*args: object) -> None:
        """Stands for the pause of a stopped worker: its replacement does everything before it goes on."""
        store(*args)  # type: ignore[arg-type]
        monkeypatch.setattr(service, "store_outputs", store)
        replacement = job_context(database, settings, vault, job_id=2, attempt=2)
        tasks.assemble(replacement, recording_id=recording.id)

    monkeypatch.setattr(service, "store_outputs", overtaken)
    with pytest.raises(Superseded):
        tasks.assemble(job_context(database, settings, vault, job_id=2), recording_id=recording.id)
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
    tasks.register(job_context(database, settings, vault, attempt=2), upload_id=upload.id)
    assert len(stored_keys(vault, upload.id)) == 2  # that of the killed attempt is left to a sweep
    with database.transaction() as session:
        recording = session.get(Recording, upload.id)
        assert recording is not None
        recording.state = "rejected"
        key = session.get(DataKey, recording.data_key_id)
        assert key is not None
        with vault.open(key, recording.blob_key) as stored:
            assert stored.read() == data
    service.remove_strays(database, vault)
    assert stored_keys(vault, upload.id) == [recording.blob_key]


def test_no_transaction_is_open_while_an_original_is_written(
    database: Database,
    database_url: str,
    settings: Settings,
    vault: Vault,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    upload = _received(database, settings, vault, b"some hours of footage")
    seen = watch_writes(monkeypatch, database_url)
    tasks.register(job_context(database, settings, vault), upload_id=upload.id)
    recording = _get(database, Recording, upload.id)
    assert isinstance(recording, Recording)
    assert seen == {recording.blob_key: 0}


def _received(
    database: Database, settings: Settings, vault: Vault, data: bytes, exercise: Exercise | None = None
) -> Upload:
    """An upload that is checked, and whose registering is enqueued."""
    upload = _hand_over(database, settings, data, exercise)
    upload_tasks.complete(job_context(database, settings, vault), upload_id=upload.id)
    return upload


def test_of_two_that_register_one_upload_one_counts(
    database: Database, settings: Settings, vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that was stopped while it wrote goes on when its replacement is done, and harms nothing."""
    data, write = b"bytes that are stored once", Vault.write
    upload = _received(database, settings, vault, data)

    def overtaken(self: Vault, *args: Any) -> int:
        monkeypatch.setattr(Vault, "write", write)
        tasks.register(job_context(database, settings, vault, attempt=2), upload_id=upload.id)
        return write(self, *args)

    monkeypatch.setattr(Vault, "write", overtaken)
    tasks.register(job_context(database, settings, vault), upload_id=upload.id)
    with database.transaction() as session:
        recording = session.get_one(Recording, upload.id)
        keys = session.scalars(select(DataKey)).all()
        assert [key.id for key in keys] == [recording.data_key_id]
        with vault.open(keys[0], recording.blob_key) as stored:
            assert stored.read() == data
        tags = list(session.scalars(select(AuditEvent.tag).where(AuditEvent.subject_id == upload.id)))
    assert tags.count("recording:processing") == 1
    assert stored_keys(vault, upload.id) == [recording.blob_key]


def test_of_two_uploads_of_the_same_bytes_at_once_one_counts(
    database: Database, settings: Settings, vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    with database.transaction() as session:
        exercise = make_exercise(session)
    first, second = (_received(database, settings, vault, b"the same", exercise) for _ in range(2))
    write = Vault.write

    def overtaken(self: Vault, *args: Any) -> int:
        monkeypatch.setattr(Vault, "write", write)
        tasks.register(job_context(database, settings, vault, job_id=2), upload_id=second.id)
        return write(self, *args)

    monkeypatch.setattr(Vault, "write", overtaken)
    tasks.register(job_context(database, settings, vault), upload_id=first.id)
    late = _get(database, Upload, first.id)
    assert isinstance(late, Upload)
    assert (late.state, late.reason_code, late.recording_id) == ("rejected", "duplicate", second.id)
    assert stored_keys(vault, first.id) == []
    with database.transaction() as session:
        assert session.scalar(select(func.count()).select_from(DataKey)) == 1


def test_what_another_worker_is_registering_is_left_to_it(
    database: Database, settings: Settings, vault: Vault
) -> None:
    """The sweep asks again after half an hour, which a long original may take."""
    upload = _received(database, settings, vault, b"a long original")
    with database.transaction() as session:
        jobs = "SELECT id FROM procrastinate_jobs WHERE task_name = 'recordings.register'"
        first = session.scalar(text(jobs))
        assert first is not None
        again = defer(session, "recordings.register", upload_id=upload.id)
        session.execute(text("UPDATE procrastinate_jobs SET status = 'doing'"))
    tasks.register(job_context(database, settings, vault, job_id=again), upload_id=upload.id)
    assert _get(database, Recording, upload.id) is None
    assert stored_keys(vault, upload.id) == []
    tasks.register(job_context(database, settings, vault, job_id=first), upload_id=upload.id)
    assert _get(database, Recording, upload.id) is not None


def test_bytes_that_were_damaged_in_staging_leave_nothing_behind(
    database: Database, settings: Settings, vault: Vault
) -> None:
    upload = _received(database, settings, vault, b"what was verified")
    Staging(settings.uploads_dir).path(upload.id).write_bytes(b"what is  there now")
    tasks.register(job_context(database, settings, vault), upload_id=upload.id)
    found = _get(database, Upload, upload.id)
    assert isinstance(found, Upload)
    assert (found.state, found.reason_code) == ("rejected", "damaged_in_staging")
    assert stored_keys(vault, upload.id) == []
    with database.transaction() as session:
        assert session.scalar(select(func.count()).select_from(DataKey)) == 0


def _steps(database: Database, recording_id: UUID) -> dict[str, IngestStep]:
    with database.transaction() as session:
        return {row.name: row for row in queries.ingest_steps(session, recording_id)}


def test_a_step_that_is_done_is_not_done_again_and_one_that_is_not_goes_on(
    database: Database, settings: Settings, vault: Vault, film: bytes
) -> None:
    """What a killed attempt left is taken up by the next: the plan and the sound are not made twice."""
    with database.transaction() as session:
        recording = make_recording(session, vault, data=film)
    id_ = recording.id
    tasks.normalise(job_context(database, settings, vault), recording_id=id_)
    tasks.encode(job_context(database, settings, vault, job_id=2), recording_id=id_, step="sound")
    before = _steps(database, id_)
    assert [name for name, row in before.items() if row.files is not None] == ["plan", "sound"]
    for job_id in (3, 4):
        tasks.normalise(job_context(database, settings, vault, job_id=job_id), recording_id=id_)
        tasks.encode(
            job_context(database, settings, vault, job_id=10 + job_id), recording_id=id_, step="sound"
        )
    after = _steps(database, id_)
    assert {name: (row.files, row.job_id, row.done_at) for name, row in after.items()} == {
        name: (row.files, row.job_id, row.done_at) for name, row in before.items()
    }
    with database.transaction() as session:
        count = session.scalar(
            text("SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'recordings.encode'")
        )
        joins = session.scalar(
            text("SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'recordings.assemble'")
        )
    assert (count, joins) == (2, 0)


def test_two_workers_at_one_step_keep_one_output(
    database: Database, settings: Settings, vault: Vault, film: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    with database.transaction() as session:
        recording = make_recording(session, vault, data=film)
    id_, keep = recording.id, KeptSteps.keep
    tasks.normalise(job_context(database, settings, vault), recording_id=id_)

    def overtaken(self: KeptSteps, *args: object) -> None:
        """A worker that was stopped here goes on when its replacement is done."""
        monkeypatch.setattr(KeptSteps, "keep", keep)
        tasks.encode(
            job_context(database, settings, vault, job_id=2, attempt=2), recording_id=id_, step="sound"
        )
        keep(self, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(KeptSteps, "keep", overtaken)
    with pytest.raises(Superseded):
        tasks.encode(job_context(database, settings, vault, job_id=2), recording_id=id_, step="sound")
    files = _steps(database, id_)["sound"].files
    assert files is not None
    assert all("/job2-2/" in key for key in files.values())
    for number, name in enumerate(waiting_steps(database, id_), 10):
        tasks.encode(job_context(database, settings, vault, job_id=number), recording_id=id_, step=name)
    tasks.assemble(job_context(database, settings, vault, job_id=20), recording_id=id_)
    done = _get(database, Recording, id_)
    assert isinstance(done, Recording)
    assert done.state == "ready"
    assert not [key for key in stored_keys(vault, id_) if "/steps/" in key]


def test_progress_counts_frames_over_all_jobs(
    database: Database, settings: Settings, vault: Vault, film: bytes
) -> None:
    with database.transaction() as session:
        recording = make_recording(session, vault, data=film)
    id_ = recording.id
    tasks.normalise(job_context(database, settings, vault), recording_id=id_)

    def seen() -> tuple[str, float, float | None, str]:
        with database.transaction() as session:
            row = session.get(Recording, id_)
            assert row is not None
            at = service.progress(session, row)
            assert at is not None
            return at.step, at.done, at.total, at.unit

    assert seen() == ("encode", 0.0, 40.0, "frames")
    tasks.encode(job_context(database, settings, vault, job_id=2), recording_id=id_, step="encode-0000")
    assert seen() == ("encode", 40.0, 40.0, "frames")
    tasks.encode(job_context(database, settings, vault, job_id=3), recording_id=id_, step="sound")
    tasks.assemble(job_context(database, settings, vault, job_id=4), recording_id=id_)
    with database.transaction() as session:
        row = session.get(Recording, id_)
        assert row is not None
        assert service.progress(session, row) is None


def test_a_full_disk_is_waited_for(
    database: Database, settings: Settings, vault: Vault, film: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The machine's fault, whichever part of the job meets it: the recording stays in processing and goes on."""
    with database.transaction() as session:
        recording = make_recording(session, vault, data=film)

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", full)  # the last act of fetching the original
        with pytest.raises(MachineFault, match="No space left"):
            tasks.normalise(job_context(database, settings, vault), recording_id=recording.id)
    found = _get(database, Recording, recording.id)
    assert isinstance(found, Recording)
    assert found.state == "processing"
    ingest_on_the_spot(database, settings, vault, recording.id)
    found = _get(database, Recording, recording.id)
    assert isinstance(found, Recording)
    assert found.state == "ready"


def test_no_outage_is_too_long_for_what_is_processed_or_asked_for() -> None:
    limits = {spec.name: spec.max_attempts for spec in declared_in([tasks, redaction_tasks])}
    endless = {name for name, limit in limits.items() if limit is None}
    assert endless == {
        *(f"recordings.{verb}" for verb in ("normalise", "encode", "assemble", "join", "cut", "export")),
        *(f"redaction.{verb}" for verb in ("propose", "render")),
    }


def test_stopping_a_recording_ends_all_its_jobs(
    database: Database, settings: Settings, vault: Vault, film: bytes
) -> None:
    with database.transaction() as session:
        recording = make_recording(session, vault, data=film)
        owner = session.get(Organisation, recording.organisation_id)
        officer = make_identity(session, Role.DATA_OFFICER, organisation=owner)
    tasks.normalise(job_context(database, settings, vault), recording_id=recording.id)
    with database.transaction() as session:
        service.cancel(session, officer, recording.id)
        waiting = text(
            "SELECT count(*) FROM procrastinate_jobs WHERE queue_name = 'media' AND status = 'todo'"
        )
        assert session.scalar(waiting) == 0
    tasks.encode(job_context(database, settings, vault, job_id=9), recording_id=recording.id, step="sound")
    assert not _steps(database, recording.id)


def test_a_recording_planned_by_another_version_is_planned_anew(
    database: Database, settings: Settings, vault: Vault, film: bytes
) -> None:
    """An upgrade meets steps whose keys are not its own: they are planned again, not left undone for ever."""
    with database.transaction() as session:
        recording = make_recording(session, vault, data=film)
    tasks.normalise(job_context(database, settings, vault), recording_id=recording.id)
    with database.transaction() as session:
        for row in queries.ingest_steps(session, recording.id):
            row.key = "of another version"
        session.add(IngestStep(recording_id=recording.id, name="encode-0007", key="of another plan"))
        session.execute(text("UPDATE procrastinate_jobs SET status = 'succeeded'"))
    tasks.encode(job_context(database, settings, vault, job_id=50), recording_id=recording.id, step="sound")
    with database.transaction() as session:
        waiting = text("SELECT task_name FROM procrastinate_jobs WHERE status = 'todo'")
        assert list(session.scalars(waiting)) == ["recordings.normalise"]
    ingest_on_the_spot(database, settings, vault, recording.id)
    done = _get(database, Recording, recording.id)
    assert isinstance(done, Recording)
    assert done.state == "ready"


def test_a_comparison_that_gave_up_is_asked_for_again(
    database: Database, settings: Settings, vault: Vault, film: bytes
) -> None:
    with database.transaction() as session:
        recording = make_recording(session, vault, data=film)
    ingest_on_the_spot(database, settings, vault, recording.id)
    asked = text("SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'recordings.compare'")
    with database.transaction() as session:
        before = session.scalar(asked)
        session.execute(
            text("UPDATE fingerprints SET compared_at = NULL, created_at = now() - interval '1 hour'")
        )
    for _ in range(2):  # once is enough
        service.compare_again(database)
    with database.transaction() as session:
        assert session.scalar(asked) == (before or 0) + 1
