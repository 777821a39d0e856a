"""Which footage leaves: the redacted where there is one, none while a redaction is under way, all of it on record."""

from __future__ import annotations

import json
import tarfile
from io import BytesIO

import pytest
from sqlalchemy import select

from app.core.db import Database
from app.datasets import service as datasets
from app.datasets.models import DatasetItem, DatasetVersion
from app.datasets.service import NotReleasable
from app.manifest.clips import parse_clip, parse_clip_index
from app.recordings.models import Clip, Recording
from app.redaction.models import RedactedClip, Redaction
from app.redaction.service import RedactionState, footage_of
from app.releases import tasks
from app.releases.models import Release, TufTarget
from app.releases.service import composing
from app.releases.service.errors import RedactionBegun
from app.settings import Settings
from app.storage.models import DataKey
from app.storage.vault import Vault
from tests.factories.custody import review_recording
from tests.factories.recordings import job_context
from tests.factories.redaction import make_redaction, make_rendered
from tests.factories.releases import Stage, make_stage


@pytest.fixture
def stage(database: Database, settings: Settings, vault: Vault) -> Stage:
    """A dataset over one labelled recording of two clips."""
    return make_stage(database, settings, vault)


def redaction_of(stage: Stage, *, state: str) -> None:
    with stage.database.transaction() as session:
        redaction = make_redaction(session, session.scalars(select(Recording)).one())
        if state == "rendered":
            make_rendered(session, stage.vault, redaction)
            review_recording(session, redaction.recording, people="redacted")
        else:
            redaction.state = state


def packed(stage: Stage, name: str) -> bytes:
    """A target of the only release, decrypted."""
    with stage.database.transaction() as session:
        target = session.scalars(select(TufTarget).where(TufTarget.path.like(f"%{name}"))).one()
        key = session.get_one(DataKey, target.data_key_id)
        with stage.vault.open(key, target.blob_key) as stored:
            return stored.read()


@pytest.mark.parametrize(
    ("state", "variant"), [(None, "original"), ("proposed", "original"), ("rendered", "redacted")]
)
def test_a_release_carries_and_names_its_variant(stage: Stage, state: str | None, variant: str) -> None:
    if state:
        redaction_of(stage, state=state)
    stage.build()
    with stage.database.transaction() as session:
        redaction = session.scalars(select(Redaction)).first()
        clips = {str(clip.id): clip for clip in session.scalars(select(Clip))}
        redacted = {str(one.clip_id): one for one in session.scalars(select(RedactedClip))}
        items = {str(item.clip_id): item for item in session.scalars(select(DatasetItem))}
    named = str(redaction.id) if redaction and state == "rendered" else None
    index = parse_clip_index(packed(stage, "clips.jsonl"))
    assert [entry.variant for entry in index] == [variant] * 2
    with tarfile.open(fileobj=BytesIO(packed(stage, "000000.tar"))) as shard:
        for key, clip in clips.items():
            film = shard.extractfile(f"{key}.mp4").read()  # type: ignore[union-attr]
            document = parse_clip(shard.extractfile(f"{key}.json").read())  # type: ignore[union-attr]
            file = redacted.get(key, clip)
            assert document.footage is not None
            assert (document.footage.variant, document.footage.redaction) == (variant, named)
            assert document.footage.sha256 == file.sha256.hex()
            assert items[key].footage == {"variant": variant, "redaction": named, "sha256": file.sha256.hex()}
            assert film.startswith(b"redacted clips" if variant == "redacted" else b"clip ")


@pytest.mark.parametrize("state", ["in_review", "approved", "rendering", "failed"])
def test_nothing_leaves_while_a_redaction_is_under_way(stage: Stage, state: str) -> None:
    redaction_of(stage, state=state)
    with stage.database.transaction() as session, pytest.raises(NotReleasable, match="must finish it first"):
        stage.freeze(session)


@pytest.mark.parametrize("state", ["in_review", "rendered"])
def test_a_version_frozen_before_a_redaction_is_not_built(stage: Stage, state: str) -> None:
    with stage.database.transaction() as session:
        version_id = stage.freeze(session).id
    redaction_of(stage, state=state)
    with stage.database.transaction() as session:
        release = composing.create_release(session, stage.manager, version_id=version_id, notes="")
    tasks.build(job_context(stage.database, stage.settings, stage.vault, job_id=9), release_id=release.id)
    with stage.database.transaction() as session:
        failed = session.get_one(Release, release.id)
    assert failed.state == "failed"
    assert "compose a new version" in (failed.reason or "")


@pytest.mark.parametrize("state", ["in_review", "rendered"])
def test_a_redaction_after_the_build_stops_the_signing(stage: Stage, state: str) -> None:
    release_id = stage.build()
    redaction_of(stage, state=state)
    with stage.database.transaction() as session, pytest.raises(RedactionBegun):
        composing.request_sign_off(session, stage.manager, stage.keys, release_id=release_id)


def test_the_digest_of_a_version_covers_the_variant(stage: Stage) -> None:
    with stage.database.transaction() as session:
        before = stage.freeze(session).digest
        again = stage.freeze(session).digest
    redaction_of(stage, state="rendered")
    with stage.database.transaction() as session:
        after = stage.freeze(session).digest
        frozen = session.scalars(select(DatasetVersion)).all()
    assert before == again
    assert after != before
    assert len(frozen) == 3


def test_a_clip_cut_after_the_redaction_never_leaves_unredacted(stage: Stage) -> None:
    redaction_of(stage, state="rendered")
    with stage.database.transaction() as session:
        session.delete(session.scalars(select(RedactedClip)).first())
        session.flush()
        with pytest.raises(RedactionState, match="cut after"):
            footage_of(session, list(session.scalars(select(Clip))))
        with pytest.raises(RedactionState):
            stage.freeze(session)


def test_a_redaction_that_found_nothing_is_named_beside_the_original(stage: Stage) -> None:
    with stage.database.transaction() as session:
        redaction = make_redaction(session, session.scalars(select(Recording)).one())
        redaction.state = "rendered"
        session.flush()
        review_recording(session, redaction.recording)
    with stage.database.transaction() as session:
        version = stage.freeze(session)
        page = datasets.list_items(session, stage.manager, version.id, cursor=None, limit=9)
        said = [json.loads(json.dumps(item.footage)) for item in page.items]
    assert [(one["variant"], one["redaction"]) for one in said] == [("original", str(redaction.id))] * 2
