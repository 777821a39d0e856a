"""Erasure: decided twice, done whole, resumed wherever it was killed, and proven."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, text, update
from sqlalchemy.orm import Session

from app.annotation import service as annotation
from app.annotation import tasks as annotation_tasks
from app.annotation.models import Annotation
from app.audit.keys import load_checkpoint_key
from app.audit.sequencer import integrate
from app.core.clock import now
from app.core.db import Database
from app.core.identity import Role
from app.custody import service, tasks
from app.custody.models import Erasure
from app.custody.service import receipts
from app.custody.service.errors import ErasureState, HoldState, NeedsAnother, NotErasable, OnHold
from app.datasets.models import DatasetItem
from app.proofs.receipt import verify_receipt
from app.recordings import service as recordings
from app.recordings.models import Clip, Fingerprint, FrameHash, Recording, Rendition
from app.redaction.models import RedactedClip, Redaction, RedactionRegion
from app.releases import tasks as release_tasks
from app.releases.models import Release, TufTarget
from app.releases.service import building, composing
from app.settings import Settings
from app.storage.models import DataKey
from app.storage.vault import KeyDestroyed, Vault
from app.uploads import service as uploads
from app.uploads.models import Upload
from app.uploads.service import Staging
from tests.factories.accounts import make_identity
from tests.factories.annotation import submitted
from tests.factories.custody import make_officer
from tests.factories.fingerprints import film, store
from tests.factories.recordings import job_context
from tests.factories.redaction import make_redaction, make_rendered
from tests.factories.releases import make_stage
from tests.factories.uploads import make_upload
from tests.unit.app.custody.conftest import Force


class Killed(BaseException):
    """As kill -9 would: nothing catches it."""


def withdraw_and_request(force: Force) -> None:
    with force.database.transaction() as session:
        recordings.withdraw(session, force.first, force.recording_id, reason="Consent taken back")
        service.request_erasure(session, force.first, force.recording_id, reason="Consent taken back")


def confirmed(force: Force) -> Erasure:
    withdraw_and_request(force)
    with force.database.transaction() as session:
        return service.confirm_erasure(session, force.second, force.recording_id)


def erase(force: Force, erasure: Erasure, attempt: int = 1) -> None:
    job = job_context(force.database, force.settings, force.vault, job_id=77, attempt=attempt)
    tasks.erase(job, erasure_id=erasure.id)


def test_it_takes_two_officers_or_three_days(force: Force) -> None:
    with force.database.transaction() as session, pytest.raises(NotErasable):
        service.request_erasure(session, force.first, force.recording_id, reason="now")
    withdraw_and_request(force)
    with force.database.transaction() as session:
        with pytest.raises(ErasureState):
            service.request_erasure(session, force.second, force.recording_id, reason="twice")
        with pytest.raises(NeedsAnother, match="from"):
            service.confirm_erasure(session, force.first, force.recording_id)
        service.cancel_erasure(session, force.first, force.recording_id, reason="Not yet")
    with force.database.transaction() as session:
        service.request_erasure(session, force.first, force.recording_id, reason="Now it is time")
        earlier = now() - service.COOLING - timedelta(seconds=1)
        session.execute(update(Erasure).where(Erasure.state == "requested").values(requested_at=earlier))
    with force.database.transaction() as session:
        assert service.confirm_erasure(session, force.first, force.recording_id).state == "confirmed"
        with pytest.raises(ErasureState):
            service.cancel_erasure(session, force.first, force.recording_id, reason="too late")
        with pytest.raises(ErasureState):
            service.place_hold(session, force.first, force.recording_id, reason="too late")


def test_a_legal_hold_keeps_it_at_every_step(force: Force) -> None:
    with force.database.transaction() as session:
        service.place_hold(session, force.first, force.recording_id, reason="Inquiry 12")
        recordings.withdraw(session, force.first, force.recording_id, reason="Consent taken back")
    with force.database.transaction() as session:
        with pytest.raises(HoldState):
            service.place_hold(session, force.second, force.recording_id, reason="also")
        with pytest.raises(OnHold):
            service.request_erasure(session, force.first, force.recording_id, reason="go")
        service.lift_hold(session, force.second, force.recording_id, reason="Inquiry closed")
    with force.database.transaction() as session:
        service.request_erasure(session, force.first, force.recording_id, reason="go")
        service.place_hold(session, force.second, force.recording_id, reason="Inquiry 13")
    with force.database.transaction() as session, pytest.raises(OnHold):
        service.confirm_erasure(session, force.second, force.recording_id)


def _fill(force: Force) -> None:
    """Everything that may hang on a recording: redaction, hashes, a stray, staged bytes, a draft."""
    with force.database.transaction() as session:
        recording = session.get_one(Recording, force.recording_id)
        recording.camera, recording.reference, recording.notes = "AX-7", "E/1", "PC 4711 falls"
        upload = session.get_one(Upload, recording.upload_id)
        said = {"camera": "AX-7", "notes": "PC 4711 falls", "metadata": "notes UEMgNDcxMQ=="}
        upload.details = {"media_type": "video/mp4"} | said
        make_upload(
            session,
            exercise=recording.exercise,
            kind="partial",
            state="joined",
            joined_into=upload.id,
            place=0,
            details={"media_type": "video/mp4"} | said,
        )
        make_rendered(session, force.vault, make_redaction(session, recording))
        store(session, recording, film(1))
        key = session.get_one(DataKey, recording.data_key_id)
        force.vault.write(key, f"recordings/{recording.id}/9/stray", io.BytesIO(b"left behind"))
        annotation.open_tasks(session, recording.id)
        submitted(session, make_identity(session, Role.ANNOTATOR))
    staged = Staging(force.settings.uploads_dir)
    staged.directory.mkdir(exist_ok=True)
    staged.path(force.recording_id).write_bytes(b"staged")


def _left(force: Force) -> dict[str, int]:
    with force.database.transaction() as session:
        rows: dict[str, Any] = {
            model.__tablename__: session.scalar(select(func.count()).select_from(model))
            for model in (Rendition, FrameHash, Fingerprint, RedactionRegion, RedactedClip)
        }
        rows["keys"] = session.scalar(select(func.count(DataKey.wrapped)))
    rows["objects"] = len(list(force.vault.store.list()))
    rows["staged"] = len(Staging(force.settings.uploads_dir).listed())
    return rows


def _room(session: Session, force: Force) -> int:
    """Bytes that the force may still hand over."""
    held = session.get_one(Recording, force.recording_id).organisation_id
    return uploads.quota_left(session, force.settings, held)


def test_everything_goes_facts_stay_and_it_is_proven(force: Force) -> None:
    _fill(force)
    erasure = confirmed(force)
    with force.database.transaction() as session:
        key = session.scalars(select(DataKey)).one()
        session.expunge(key)
        assert _room(session, force) < force.settings.upload_quota_bytes
    erase(force, erasure)
    assert set(_left(force).values()) == {0}, _left(force)
    annotation_tasks.erase_drafts_of(
        job_context(force.database, force.settings, force.vault), recording_id=force.recording_id
    )
    with force.database.transaction() as session:
        recording = session.get_one(Recording, force.recording_id)
        assert (recording.state, recording.report) == ("erased", None)
        assert (recording.camera, recording.reference, recording.notes) == (None, None, None)
        upload = session.get_one(Upload, recording.upload_id)
        assert upload.details == {"media_type": "video/mp4"}
        of_parts = select(Upload.details).where(Upload.joined_into == upload.id)
        assert session.scalars(of_parts).all() == [{"media_type": "video/mp4"}]
        assert _room(session, force) == force.settings.upload_quota_bytes
        assert session.scalar(select(func.count()).select_from(Clip)) == 2
        assert session.scalar(select(func.count()).select_from(Annotation)) == 0
        assert session.scalars(select(Redaction.blob_key)).one() is None
        destroyed = session.get_one(DataKey, recording.data_key_id)
        with pytest.raises(KeyDestroyed):
            force.vault.open(destroyed, recording.blob_key)
        integrate(session, signer := load_checkpoint_key(force.settings.checkpoint_key_uri))
    with force.database.transaction() as session:
        paper = receipts.certificate(session, force.second, force.recording_id, signer.verifier)
    said = verify_receipt(paper.data, signer.verifier).statement
    assert (said["kind"], said["ground"], said["two_officers"]) == ("erasure", "withdrawn", True)
    gone: Any = said["destroyed"]
    assert (gone["key"], gone["clips"], gone["redacted_clips"], gone["frame_hashes"]) == (
        str(key.id),
        2,
        2,
        20,
    )
    assert said["sha256"] == recording.sha256.hex()


@pytest.mark.parametrize("survives", [0, 3])
def test_a_killed_erasure_goes_on(force: Force, survives: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed after so many of its removals; what then begins again finds the rest, and says so once."""
    _fill(force)
    erasure = confirmed(force)
    real, calls = force.vault.store.delete, iter(range(100))

    def delete(key: str) -> None:
        if next(calls) >= survives:
            raise Killed
        real(key)

    with monkeypatch.context() as patch:
        patch.setattr(force.vault.store, "delete", delete)
        with pytest.raises(Killed):
            erase(force, erasure)
    assert force.state() == "withdrawn"
    with force.database.transaction() as session:  # its key is gone already: nobody reads what is left
        assert session.scalar(select(func.count(DataKey.wrapped))) == 0
        session.execute(update(Erasure).values(job_id=None))
    assert service.resume_erasures(force.database) == 1
    erase(force, erasure, attempt=2)
    erase(force, erasure, attempt=3)
    assert set(_left(force).values()) == {0}
    assert force.state() == "erased"
    assert [force.tags().count(tag) for tag in ("recording:key-destroyed", "recording:erased")] == [1, 1]


def test_our_copies_in_a_published_release_go_too(
    database: Database, settings: Settings, vault: Vault
) -> None:
    stage = make_stage(database, settings, vault)
    stage.publish()
    with database.transaction() as session:
        recording = session.scalars(select(Recording)).one()
        force = Force(
            database, settings, vault, recording.id, *(make_officer(session, recording) for _ in range(2))
        )
        labels = session.scalars(select(DatasetItem.labels)).all()
    erase(force, confirmed(force))
    with database.transaction() as session:  # its job gave up, and is forgotten
        session.execute(text("DELETE FROM procrastinate_jobs WHERE task_name = 'releases.erase_footage'"))
    for _ in range(2):
        release_tasks.sweep_objects(job_context(database, settings, vault))
    with database.transaction() as session:
        waiting = text("SELECT args FROM procrastinate_jobs WHERE task_name = 'releases.erase_footage'")
        assert session.scalars(waiting).all() == [{"recording_id": str(recording.id)}]
    for _ in range(2):
        release_tasks.erase_footage(job_context(database, settings, vault), recording_id=recording.id)
    with database.transaction() as session:
        shard = session.scalars(select(TufTarget).where(TufTarget.path.like("shards/%"))).one()
        assert not shard.published
        assert session.get_one(DataKey, shard.data_key_id).wrapped is None
        assert not vault.store.exists(shard.blob_key)
        assert session.scalars(select(DatasetItem.labels)).all() == labels
    assert force.tags().count("release:shards-erased") == 1


def test_a_release_that_is_packed_meanwhile_keeps_nothing(
    database: Database, settings: Settings, vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = make_stage(database, settings, vault)
    with database.transaction() as session:
        release = composing.create_release(
            session, stage.manager, version_id=stage.freeze(session).id, notes=""
        )
        recording = session.scalars(select(Recording)).one()
        force = Force(
            database, settings, vault, recording.id, *(make_officer(session, recording) for _ in range(2))
        )
    pack = building.pack

    def pack_then_erase(*args: Any, **more: Any) -> building.Packed:
        packed = pack(*args, **more)
        erase(force, confirmed(force))
        release_tasks.erase_footage(job_context(database, settings, vault), recording_id=recording.id)
        return packed

    monkeypatch.setattr(building, "pack", pack_then_erase)
    release_tasks.build(job_context(database, settings, vault, job_id=99), release_id=release.id)
    assert list(vault.store.list("tuf/")) == []
    with database.transaction() as session:
        assert (
            session.scalar(select(func.count(DataKey.wrapped)).where(DataKey.subject_kind == "release")) == 0
        )
        assert session.get_one(Release, release.id).state == "failed"
