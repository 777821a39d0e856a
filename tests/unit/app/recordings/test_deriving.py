"""Parts joined, clips cut anew, copies at a constant rate: over two recordings that are ingested once."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from uuid import UUID

import numpy as np
import pyarrow.parquet as pq
import pytest
from sqlalchemy import func, select

from app.accounts.models import Organisation
from app.annotation.models import Assignment, Task
from app.annotation.service import open_tasks, take_next
from app.audit.models import AuditEvent
from app.core.db import Database
from app.core.errors import Conflict, Forbidden, Hidden, InvalidRequest, NotFound
from app.core.identity import Identity, Role
from app.datasets.contents import held_twice
from app.jobs import DoubtfulFault, Superseded
from app.recordings import queries, service, tasks
from app.recordings.ledger import load_ledger
from app.recordings.models import Clip, Derivation, Fingerprint, Recording, Rendition
from app.recordings.service import PartOf, deriving, errors, key_of
from app.recordings.service.parts import stand_for
from app.recordings.service.sweeping import remove_strays
from app.redaction.models import Redaction
from app.redaction.service import begun_and_not_finished
from app.settings import Settings
from app.storage.models import DataKey
from app.storage.vault import Vault
from app.uploads.queries import bytes_held
from app.uploads.service.errors import QuotaExceeded
from ingest.joining import Part
from tests.factories.accounts import make_identity
from tests.factories.exercises import make_exercise
from tests.factories.home import make_home, make_settings
from tests.factories.recordings import (
    ingest_on_the_spot,
    job_context,
    make_ready_recording,
    make_recording,
    stored_keys,
)
from tests.factories.watching import watch_writes
from tests.media import synthetic

pytestmark = pytest.mark.slow
NAMES = ("GX010007.MP4", "GX020007.MP4")
FRAMES = (30, 20)


@dataclass
class TakenIn:
    """What every test begins with, and has a copy of: two parts of one recording, ingested, and their officer."""

    database_url: str
    home: Path
    parts: tuple[UUID, UUID]
    officer: Identity
    annotator: Identity


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Three seconds, then two, of one camera that says who it is and when it began."""
    folder = tmp_path_factory.mktemp("films")
    made = []
    for number, (name, frames) in enumerate(zip(NAMES, FRAMES, strict=True)):
        said = {"creation_time": f"2026-03-14T10:00:0{3 * number}Z", "make": "Axon", "model": "Body 3"}
        words = [
            arg for key, value in {**said, "serial": "X81"}.items() for arg in ("-metadata", f"{key}={value}")
        ]
        extra = ("-vf", f"hue=h={90 * number}", "-movflags", "use_metadata_tags", *words)
        made.append(synthetic.plain(folder / name, seconds=frames / 10, rate="10", extra=extra))
    return made


@pytest.fixture(scope="module")
def taken_in(
    new_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory, films: list[Path]
) -> TakenIn:
    url, home = new_database(), make_home(tmp_path_factory.mktemp("taken-in") / "home")
    settings, database = make_settings(home, url), Database(url)
    vault = Vault.from_settings(settings)
    with database.transaction() as session:
        exercise = make_exercise(session)
        parts = [
            make_recording(session, vault, exercise=exercise, data=film.read_bytes(), filename=film.name)
            for film in films
        ]
        force = session.get_one(Organisation, exercise.organisation_id)
        officer = make_identity(session, Role.DATA_OFFICER, organisation=force)
        annotator = make_identity(session, Role.ANNOTATOR)
    for number, part in enumerate(parts):
        ingest_on_the_spot(database, settings, vault, part.id, first_job=100 * (number + 1))
    with database.transaction() as session:
        for part in parts:
            open_tasks(session, part.id)
    database.dispose()
    return TakenIn(url, home, (parts[0].id, parts[1].id), officer, annotator)


@pytest.fixture
def database_url(new_database: Callable[[str], str], taken_in: TakenIn) -> str:
    return new_database(taken_in.database_url)


@pytest.fixture
def home(taken_in: TakenIn, tmp_path: Path) -> Path:
    return shutil.copytree(taken_in.home, tmp_path / "home")


@dataclass
class Desk:
    """A copy of all that, and the way to have a request carried out."""

    database: Database
    settings: Settings
    vault: Vault

    def carry_out(self, derivation: Derivation) -> Derivation:
        """Runs the request's job twice, as a job may be, and returns what became of it."""
        run = {"join": tasks.join, "clips": tasks.cut, "cfr": tasks.export}[derivation.kind]
        for attempt in (1, 2):
            job = job_context(
                self.database, self.settings, self.vault, job_id=derivation.job_id or 0, attempt=attempt
            )
            run(job, derivation_id=derivation.id)
        with self.database.transaction() as session:
            return session.get_one(Derivation, derivation.id)

    def bytes_of(self, recording_id: UUID, kind: str) -> bytes:
        with self.database.transaction() as session:
            recording = session.get_one(Recording, recording_id)
            row = session.scalars(
                select(Rendition).where(Rendition.recording_id == recording_id, Rendition.kind == kind)
            ).one()
            with self.vault.open(key_of(session, recording), row.blob_key) as stored:
                return stored.read()


@pytest.fixture
def desk(database: Database, settings: Settings, vault: Vault) -> Desk:
    return Desk(database, settings, vault)


def ask_to_join(desk: Desk, taken_in: TakenIn) -> Derivation:
    with desk.database.transaction() as session:
        return service.request_join(session, desk.settings, taken_in.officer, ids=taken_in.parts[::-1])


def test_a_joined_recording_takes_room(desk: Desk, taken_in: TakenIn) -> None:
    def held() -> int:
        with desk.database.transaction() as session:
            return bytes_held(session, taken_in.officer.organisation_id)

    before = held()
    with desk.database.transaction() as session:
        sizes = [session.get_one(Recording, one).size for one in taken_in.parts]
    small = replace(desk.settings, upload_quota_bytes=before + sum(sizes) - 1)
    with desk.database.transaction() as session, pytest.raises(QuotaExceeded):
        service.request_join(session, small, taken_in.officer, ids=taken_in.parts)
    done = desk.carry_out(ask_to_join(desk, taken_in))
    with desk.database.transaction() as session:
        size = session.get_one(Recording, done.id).size
    assert held() == before + size


def test_parts_become_one_recording_and_stand_back(desk: Desk, taken_in: TakenIn) -> None:
    with desk.database.transaction() as session:
        (group,) = service.likely_joins(
            service.joinable(
                session, taken_in.officer, session.get_one(Recording, taken_in.parts[0]).exercise_id
            )
        )
        assert [one.id for one in group] == list(taken_in.parts)
        taken = take_next(session, taken_in.annotator)  # work on a part's clip has begun: it goes on
    asked = ask_to_join(desk, taken_in)
    with desk.database.transaction() as session, pytest.raises(Conflict, match="just being joined"):
        service.request_join(session, desk.settings, taken_in.officer, ids=taken_in.parts)
    done = desk.carry_out(asked)
    assert (done.state, done.result) == ("done", {"recording_id": str(done.id)})
    ingest_on_the_spot(desk.database, desk.settings, desk.vault, done.id, first_job=500)

    with desk.database.transaction() as session:
        overview = service.get_overview(session, taken_in.officer, done.id)
        joined, first = overview.recording, session.get_one(Recording, taken_in.parts[0])
        assert (joined.state, joined.upload_id, joined.frame_count) == ("ready", None, sum(FRAMES))
        assert joined.filename == "GX010007 and 1 more part.mov"
        found = [(one.part.id, one.start_frame, one.end_frame) for one in overview.parts]
        assert found == [(taken_in.parts[0], 0, 30), (taken_in.parts[1], 30, 50)]
        whole = load_ledger(desk.vault, session, joined).hashes
        each = [
            load_ledger(desk.vault, session, session.get_one(Recording, id_)).hashes for id_ in taken_in.parts
        ]
        assert np.array_equal(whole, np.concatenate(each))
        # custody: the joined one names its parts, each part names it
        events = {
            event.subject_id: event.details
            for event in session.scalars(select(AuditEvent).where(AuditEvent.tag == "recording:joined"))
        }
        assert events[first.id] == {"into": str(done.id)}
        assert events[done.id]["parts"][0]["sha256"] == first.sha256.hex()
        # that they share footage is no news to the officer, from either side
        assert session.get_one(Fingerprint, done.id).compared_at is not None
        for one in (done.id, *taken_in.parts):
            assert service.near_duplicates(session, taken_in.officer, one).found == []
        # labelled once: untaken tasks of the parts are closed, what was taken is there
        for one in (done.id, *taken_in.parts):
            open_tasks(session, one)
        waiting = session.execute(
            select(Clip.recording_id, func.count())
            .join(Task, Task.clip_id == Clip.id)
            .group_by(Clip.recording_id)
        )
        begun = session.get_one(Assignment, taken.id).task.clip
        assert {id_ for id_, _ in waiting} == {done.id, begun.recording_id}
        # what a person hid in a part must be hidden in the whole before it may leave
        assert begun_and_not_finished(session, {done.id}) == {}
        session.add(Redaction(recording_id=first.id, number=1, state="rendered"))
        assert begun_and_not_finished(session, {done.id})[done.id].recording_id == first.id
        session.add(Redaction(recording_id=done.id, number=1, state="rendered"))
        assert begun_and_not_finished(session, {done.id}) == {}
        clips = {clip.id: (clip, clip.recording) for clip in session.scalars(select(Clip))}
        assert len(held_twice(clips)) == 2
    told = json.loads(desk.bytes_of(done.id, "parts"))
    assert [part["name"] for part in told["parts"]] == list(NAMES)
    with desk.database.transaction() as session, pytest.raises(NotFound):
        service.open_rendition(session, taken_in.officer, done.id, "parts")
    with desk.database.transaction() as session, pytest.raises(Conflict, match="part of a joined recording"):
        service.request_join(session, desk.settings, taken_in.officer, ids=taken_in.parts)
    with desk.database.transaction() as session, pytest.raises(Conflict, match="It is a part of recording"):
        service.request_cut(session, taken_in.officer, taken_in.parts[0], seconds=2)
    kept = stored_keys(desk.vault, done.id)
    remove_strays(desk.database, desk.vault)
    assert stored_keys(desk.vault, done.id) == kept
    _withdraw_one_part(desk, taken_in, done.id)


def _withdraw_one_part(desk: Desk, taken_in: TakenIn, joined_id: UUID) -> None:
    """The joined one goes with it; the other part counts for itself again."""
    with desk.database.transaction() as session:
        service.withdraw(session, taken_in.officer, taken_in.parts[1], reason="not a drill")
    with desk.database.transaction() as session:
        rows = [session.get_one(Recording, id_) for id_ in (joined_id, *taken_in.parts)]
        assert [row.state for row in rows] == ["withdrawn", "ready", "withdrawn"]
        assert [row.part_of_id for row in rows] == [None, None, None]
        assert len(open_tasks(session, taken_in.parts[0])) > 0 or session.scalar(
            select(func.count()).select_from(Task).join(Clip).where(Clip.recording_id == taken_in.parts[0])
        )


def rows_joined(desk: Desk, taken_in: TakenIn, state: str) -> UUID:
    """A joined recording in that state, as rows alone: it stands for both parts."""
    with desk.database.transaction() as session:
        parts = [session.get_one(Recording, id_) for id_ in taken_in.parts]
        joined = make_recording(session, desk.vault, exercise=parts[0].exercise, data=b"joined", state=state)
        stand_for(session, joined, [PartOf(part, 30 * n, 30 * n + 20) for n, part in enumerate(parts)])
        return joined.id


def test_a_joined_recording_takes_its_parts_with_it(desk: Desk, taken_in: TakenIn) -> None:
    joined_id = rows_joined(desk, taken_in, "ready")
    with desk.database.transaction() as session:
        service.withdraw(session, taken_in.officer, joined_id, reason="consent taken back")
    with desk.database.transaction() as session:
        assert set(session.scalars(select(Recording.state))) == {"withdrawn"}


def test_a_joined_recording_that_comes_to_nothing_frees_its_parts(desk: Desk, taken_in: TakenIn) -> None:
    joined_id = rows_joined(desk, taken_in, "processing")
    with desk.database.transaction() as session:
        service.cancel(session, taken_in.officer, joined_id)
    with desk.database.transaction() as session:
        assert [session.get_one(Recording, id_).part_of_id for id_ in taken_in.parts] == [None, None]
        assert session.get_one(Recording, joined_id).state == "rejected"


def test_what_is_not_one_recording_is_refused_in_the_librarys_words(desk: Desk, taken_in: TakenIn) -> None:
    with desk.database.transaction() as session:
        session.get_one(Recording, taken_in.parts[0]).filename = "GX030007.MP4"
    done = desk.carry_out(ask_to_join(desk, taken_in))
    assert (done.state, done.reason_code, done.reason) == (
        "failed", "part_missing", "Part 1 of the recording is missing. Add it and try again.",
    )  # fmt: skip
    with desk.database.transaction() as session:
        assert session.get(Recording, done.id) is None
    assert stored_keys(desk.vault, done.id) == []


def test_a_part_that_goes_while_it_is_joined_leaves_nothing_behind(desk: Desk, taken_in: TakenIn) -> None:
    asked = ask_to_join(desk, taken_in)
    with desk.database.transaction() as session:
        order = service.begin_join(session, asked.id, job_id=asked.job_id or 0)
        assert order is not None
    joined = desk.settings.home / "joined.mov"
    joined.write_bytes(b"any film")
    found = [Part("GX010007.MP4", "00" * 32, 0, 30)]
    stored = service.store_join(desk.vault, order, joined, found, "job1-1", lambda: None)
    with desk.database.transaction() as session:
        service.withdraw(session, taken_in.officer, taken_in.parts[1], reason="not a drill")
        service.commit_join(session, order, stored, job_id=asked.job_id or 0)
    remove_strays(desk.database, desk.vault)
    with desk.database.transaction() as session:
        assert session.get_one(Derivation, asked.id).reason_code == "gone"
        assert (
            session.scalar(select(func.count()).select_from(DataKey).where(DataKey.subject_id == asked.id))
            == 0
        )
    assert stored_keys(desk.vault, asked.id) == []


def test_no_transaction_is_open_while_a_joined_original_is_written(
    desk: Desk, taken_in: TakenIn, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = ask_to_join(desk, taken_in)
    seen = watch_writes(monkeypatch, database_url)
    done = desk.carry_out(asked)
    assert done.state == "done"
    assert set(seen.values()) == {0}
    with desk.database.transaction() as session:
        joined = session.get_one(Recording, done.id)
        listed = queries.rendition(session, joined.id, "parts")
        assert listed is not None
        assert set(seen) == {joined.blob_key, listed.blob_key}
    assert set(stored_keys(desk.vault, done.id)) == set(seen)


def test_who_may_have_what_joined(desk: Desk, taken_in: TakenIn) -> None:
    with desk.database.transaction() as session:
        stranger = make_identity(session, Role.DATA_OFFICER)
        elsewhere = make_ready_recording(
            session,
            desk.vault,
            exercise=make_exercise(session, organisation_id=taken_in.officer.organisation_id),
        )
        home = session.get_one(Recording, taken_in.parts[0]).exercise
        busy = make_recording(session, desk.vault, exercise=home, data=b"busy")
    first = taken_in.parts[0]
    for identity, ids, error in (
        (stranger, taken_in.parts, NotFound),
        (taken_in.annotator, taken_in.parts, Forbidden),
        (taken_in.officer, (first, first), InvalidRequest),
        (taken_in.officer, (first,), InvalidRequest),
        (taken_in.officer, (first, elsewhere.id), Conflict),
        (taken_in.officer, (first, busy.id), Conflict),
    ):
        with desk.database.transaction() as session, pytest.raises(error):
            service.request_join(session, desk.settings, identity, ids=ids)


def test_cut_anew_exactly_beside_what_was_there(desk: Desk, taken_in: TakenIn, tmp_path: Path) -> None:
    first = taken_in.parts[0]
    with desk.database.transaction() as session:
        before = [(c.id, c.sha256) for c in service.list_clips(session, taken_in.officer, first).items]
        asked = service.request_cut(session, taken_in.officer, first, ranges=[(10, 17)], seconds=2)
        with pytest.raises(Conflict):
            service.request_cut(session, taken_in.officer, first, seconds=2)
    done = desk.carry_out(asked)
    assert (done.state, (done.result or {})["clip_set"]) == ("done", 2)
    with desk.database.transaction() as session:
        recording = session.get_one(Recording, first)
        clips = sorted(
            service.list_clips(session, taken_in.officer, first).items, key=lambda clip: clip.ordinal
        )
        assert [(c.start_frame, c.end_frame) for c in clips] == [(0, 20), (10, 17), (10, 30)]
        assert "manual" in clips[1].reasons
        assert {c.clip_set for c in clips} == {2}
        (tmp_path / "master.mp4").write_bytes(desk.bytes_of(first, "master"))
        whole = [frame.digest for frame in synthetic.decoded(tmp_path / "master.mp4")]
        key = key_of(session, recording)
        for clip in clips:
            with desk.vault.open(key, clip.blob_key) as stored:
                (tmp_path / "clip.mp4").write_bytes(stored.read())
            shown = [frame.digest for frame in synthetic.decoded(tmp_path / "clip.mp4")]
            assert shown == whole[clip.start_frame : clip.end_frame]
        assert [(session.get_one(Clip, id_).sha256) for id_, _ in before] == [digest for _, digest in before]
        sets = {
            clip.id: (clip, recording)
            for clip in session.scalars(select(Clip).where(Clip.recording_id == first))
        }
        assert held_twice(sets) == ["“GX010007.MP4” was cut anew: take clips of one set alone"]
        open_tasks(session, first)
        counted = select(func.count(Task.id)).join(Clip, Clip.id == Task.clip_id)
        assert session.scalar(counted.where(Clip.recording_id == first)) == len(clips)
    kept = stored_keys(desk.vault, first)
    remove_strays(desk.database, desk.vault)
    assert stored_keys(desk.vault, first) == kept


def test_no_range_of_the_recording_is_refused(desk: Desk, taken_in: TakenIn) -> None:
    for ranges in ([], [(5, 5)], [(0, 31)], [(-1, 5)]):
        with desk.database.transaction() as session, pytest.raises(InvalidRequest):
            service.request_cut(session, taken_in.officer, taken_in.parts[0], ranges=ranges)
    with desk.database.transaction() as session:
        assert session.scalar(select(func.count()).select_from(Derivation)) == 0


def test_what_is_made_of_one_recording_is_bounded(
    desk: Desk, taken_in: TakenIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(deriving.MOST_MADE, "cfr", 1)
    with desk.database.transaction() as session:
        made = service.request_export(session, taken_in.officer, taken_in.parts[0], rate="25")
        made.state = "done"
        with pytest.raises(errors.MadeTooOften):
            service.request_export(session, taken_in.officer, taken_in.parts[0], rate="24")
        service.request_export(session, taken_in.officer, taken_in.parts[1], rate="24")


def test_strangers_hear_nothing_of_what_is_made_of_quarantined_footage(desk: Desk, taken_in: TakenIn) -> None:
    with desk.database.transaction() as session:
        made = service.request_export(session, taken_in.officer, taken_in.parts[0], rate="25")
        auditor = make_identity(session, Role.AUDITOR)
        assert service.get_derivation(session, auditor, made.id) is made
        session.get_one(Recording, taken_in.parts[0]).state = "quarantined"
        assert service.get_derivation(session, taken_in.officer, made.id) is made
        with pytest.raises(Hidden):
            service.get_derivation(session, auditor, made.id)
        with pytest.raises(Hidden):
            service.get_many(session, auditor, taken_in.parts[:1])


def test_a_copy_at_a_constant_rate_with_its_map(desk: Desk, taken_in: TakenIn) -> None:
    first = taken_in.parts[0]
    with desk.database.transaction() as session:
        asked = service.request_export(session, taken_in.officer, first, rate="25")
    done = desk.carry_out(asked)
    assert (done.state, done.result) == ("done", {"kind": "cfr-25", "map": "cfr-25-map"})
    table = pq.read_table(io.BytesIO(desk.bytes_of(first, "cfr-25-map")))
    assert table.schema.metadata[b"rate"] == b"25"
    ordinals = table["ordinal"].to_pylist()
    assert ordinals == [int(Fraction(frame, 25) * 10) for frame in range(75)]
    with desk.database.transaction() as session:
        row, _ = service.open_rendition(session, taken_in.officer, first, "cfr-25")
        assert row.made_by["command"][0] == "ffmpeg"
        assert row.media_type == "video/mp4"
        with pytest.raises(Forbidden):
            service.open_rendition(session, taken_in.annotator, first, "cfr-25")
        with pytest.raises(Conflict, match="cfr-25"):
            service.request_export(session, taken_in.officer, first, rate="25/1")
        with pytest.raises(InvalidRequest):
            service.request_export(session, taken_in.officer, first, rate="1/0")


def test_a_copy_that_does_not_come_out_right_is_not_made_for_ever(desk: Desk, taken_in: TakenIn) -> None:
    """Nothing of the machine's is away: it is the master that is not what it should be."""
    first = taken_in.parts[0]
    with desk.database.transaction() as session:
        master = queries.rendition(session, first, "master")
        assert master is not None
        key = key_of(session, session.get_one(Recording, first))
        asked = service.request_export(session, taken_in.officer, first, rate="25")
    desk.vault.write(key, master.blob_key, io.BytesIO(b"no film" * 1000))
    job = job_context(desk.database, desk.settings, desk.vault, job_id=asked.job_id or 0)
    with pytest.raises(DoubtfulFault):
        tasks.export(job, derivation_id=asked.id)


def test_a_request_whose_recording_went_or_whose_job_gave_up_is_ended(desk: Desk, taken_in: TakenIn) -> None:
    with desk.database.transaction() as session:
        copy = service.request_export(session, taken_in.officer, taken_in.parts[0], rate="25")
        cut = service.request_cut(session, taken_in.officer, taken_in.parts[1], seconds=2)
        service.withdraw(session, taken_in.officer, taken_in.parts[0], reason="consent taken back")
        session.get_one(Derivation, cut.id).job_id = None
    assert desk.carry_out(copy).reason_code == "gone"
    service.fail_abandoned_derivations(desk.database)
    with desk.database.transaction() as session:
        assert session.get_one(Derivation, cut.id).reason_code == "processing_failed"
        with pytest.raises(Superseded):
            service.deriving.still_open(session, cut.id, 1)


def test_the_telemetry_suggests_to_the_forces_officers_alone(desk: Desk, taken_in: TakenIn) -> None:
    with desk.database.transaction() as session:
        told = service.suggested_details(session, taken_in.officer, taken_in.parts[1])
        assert told is not None
        assert told.started_at is not None
        assert (told.started_at.isoformat(), told.clock) == ("2026-03-14T10:00:03+00:00", "container")
        assert (told.camera, told.serial) == ("Axon Body 3", "X81")
        auditor = make_identity(session, Role.AUDITOR)
        assert service.get_overview(session, auditor, taken_in.parts[1]).suggested is None
        for identity, error in ((auditor, Forbidden), (make_identity(session, Role.DATA_OFFICER), NotFound)):
            with pytest.raises(error):
                service.suggested_details(session, identity, taken_in.parts[1])
        session.get_one(Recording, taken_in.parts[1]).state = "erased"
        session.flush()
        assert service.suggested_details(session, taken_in.officer, taken_in.parts[1]) is None
