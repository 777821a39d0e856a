"""Two ingests of the same file give byte-identical clips, and byte-identical shards.

A clip's id is its own in each recording and is part of a shard, as are its recording's and exercise's. So clips are
compared between two forces' recordings; shards between two builds of one frozen version, of which the second reads
clips that an independent second ingest made.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest
from sqlalchemy import select

from app.core.db import Database
from app.datasets.models import DatasetVersion
from app.manifest.listing import parse_manifest
from app.recordings.models import Clip, Recording
from app.releases import tasks
from app.releases.models import TufTarget
from app.releases.service import composing
from app.settings import Settings
from app.storage.models import DataKey
from app.storage.vault import Vault
from tests.factories.annotation import CONSENTED, label_recording
from tests.factories.custody import review_recording
from tests.factories.exercises import make_exercise
from tests.factories.recordings import ingest_on_the_spot, job_context, make_film, make_recording
from tests.factories.releases import Stage, make_stage

pytestmark = pytest.mark.slow


@pytest.fixture
def stage(database: Database, settings: Settings, vault: Vault) -> Stage:
    return make_stage(database, replace(settings, clip_seconds=1, shard_bytes=1), vault, labelled=False)


def ingest(stage: Stage, film: bytes, *, job_id: int) -> Recording:
    """The film as a new recording of a new force, through the worker's task."""
    with stage.database.transaction() as session:
        exercise = make_exercise(session, **CONSENTED)
        recording = make_recording(session, stage.vault, exercise=exercise, data=film)
    ingest_on_the_spot(stage.database, stage.settings, stage.vault, recording.id, first_job=job_id)
    with stage.database.transaction() as session:
        done = session.get_one(Recording, recording.id)
        assert done.state == "ready", done.reason
        return done


def clips_of(stage: Stage, recording: Recording) -> list[tuple[Clip, bytes]]:
    """The recording's clips in order, each with its decrypted bytes."""
    with stage.database.transaction() as session:
        key = session.get_one(DataKey, recording.data_key_id)
        query = select(Clip).where(Clip.recording_id == recording.id).order_by(Clip.ordinal)
        return [(clip, stage.vault.open(key, clip.blob_key).read()) for clip in session.scalars(query)]


def build(stage: Stage, version: DatasetVersion) -> dict[str, str]:
    """Builds one more release of the version, through the worker's task; its shards' SHA-256 by path."""
    with stage.database.transaction() as session:
        release = composing.create_release(session, stage.manager, version_id=version.id, notes="")
    job = job_context(stage.database, stage.settings, stage.vault, job_id=release.job_id or 0)
    tasks.build(job, release_id=release.id)
    with stage.database.transaction() as session:
        path = f"releases/{release.id}/manifest.jsonl"
        manifest = session.scalars(select(TufTarget).where(TufTarget.path == path)).one()
        key = session.get_one(DataKey, manifest.data_key_id)
    entries = parse_manifest(stage.vault.open(key, manifest.blob_key).read())
    return {entry.path: entry.sha256 for entry in entries if entry.path.startswith("shards/")}


def replace_clips(stage: Stage, recording: Recording, contents: list[bytes]) -> None:
    """Puts these bytes where the recording's clips are stored."""
    with stage.database.transaction() as session:
        key = session.get_one(DataKey, recording.data_key_id)
    for (clip, _), data in zip(clips_of(stage, recording), contents, strict=True):
        stage.vault.write(key, clip.blob_key, BytesIO(data))


@pytest.fixture
def twice(stage: Stage, tmp_path: Path) -> tuple[Recording, Recording]:
    """One film, taken in by two forces."""
    film = make_film(tmp_path / "film.mp4", seconds=3).read_bytes()
    return ingest(stage, film, job_id=1000), ingest(stage, film, job_id=2000)


def test_two_ingests_of_a_file_give_the_same_clips(stage: Stage, twice: tuple[Recording, Recording]) -> None:
    one, other = (clips_of(stage, recording) for recording in twice)
    assert twice[0].organisation_id != twice[1].organisation_id
    assert len(one) >= 2
    assert [data for _, data in one] == [data for _, data in other]
    digests = [hashlib.sha256(data).digest() for _, data in one]
    assert [clip.sha256 for clip, _ in one] == [clip.sha256 for clip, _ in other] == digests
    facts = [
        [(c.ordinal, c.start_frame, c.end_frame, c.start_pts, c.end_pts) for c, _ in x] for x in (one, other)
    ]
    assert facts[0] == facts[1]
    assert not {clip.id for clip, _ in one} & {clip.id for clip, _ in other}  # ids are each recording's own


def test_one_version_built_from_two_ingests_gives_the_same_shards(
    stage: Stage, twice: tuple[Recording, Recording]
) -> None:
    recording, other = twice
    with stage.database.transaction() as session:
        label_recording(session, recording, labels=[])
        review_recording(session, recording)
        version = stage.freeze(session)
    first = build(stage, version)
    assert len(first) == len(clips_of(stage, recording))
    again = [data for _, data in clips_of(stage, other)]
    replace_clips(stage, recording, again)
    assert build(stage, version) == first
    replace_clips(stage, recording, [again[0][:-1] + bytes([again[0][-1] ^ 1]), *again[1:]])
    altered = build(stage, version)  # a single bit is seen, so the comparison means something
    assert [path for path in first if altered[path] != first[path]] == ["shards/000000.tar"]
