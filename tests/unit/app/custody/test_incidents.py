"""A possible real incident: out of everybody's sight at once, told to its force, then cleared, moved out or erased."""

from __future__ import annotations

from uuid import UUID

import pytest
from sqlalchemy import select

from app.annotation import service as annotation
from app.annotation import tasks as annotation_tasks
from app.annotation.models import Assignment
from app.core.clock import now
from app.core.db import Database
from app.core.errors import Hidden, InvalidRequest, NotFound
from app.core.identity import Identity, Role
from app.custody import service
from app.custody.service.errors import IncidentState, NoOriginal
from app.recordings import service as recordings
from app.recordings.models import Recording
from app.recordings.service.errors import NotViewable, Quarantined
from app.releases import tasks as release_tasks
from app.releases.models import TufTarget
from app.releases.service import composing, fetching
from app.releases.service.errors import FootageWithdrawn
from app.settings import Settings
from app.storage.vault import Vault
from tests.factories.accounts import make_identity
from tests.factories.annotation import steady_ledger
from tests.factories.custody import make_officer
from tests.factories.grants import open_grant
from tests.factories.recordings import job_context, make_recording
from tests.factories.releases import make_stage
from tests.unit.app.custody.conftest import Force


def annotator_at_work(force: Force) -> tuple[Identity, Assignment]:
    with force.database.transaction() as session:
        annotation.open_tasks(session, force.recording_id)
        who = make_identity(session, Role.ANNOTATOR)
        return who, annotation.take_next(session, who)


def work(force: Force, name: str) -> None:
    job = job_context(force.database, force.settings, force.vault)
    getattr(annotation_tasks, name)(job, recording_id=force.recording_id)


def test_an_annotator_reports_and_nobody_else_sees_it_any_more(force: Force) -> None:
    who, assignment = annotator_at_work(force)
    with force.database.transaction() as session:
        annotation.report(session, who, assignment.id, reason="Real shots, real blood")
    clip = assignment.task.clip
    with force.database.transaction() as session:
        auditor, reviewer = make_identity(session, Role.AUDITOR), make_identity(session, Role.REVIEWER)
        with pytest.raises(NotFound):
            annotation.get_assignment(session, who, assignment.id)
        with pytest.raises(NotViewable):
            annotation.clip_footage(session, who, clip.id)
        with pytest.raises(NotViewable):
            annotation.clip_frames(session, reviewer, steady_ledger, clip.id)  # type: ignore[arg-type]
        with pytest.raises(annotation.NothingToLabel):
            annotation.take_next(session, who)
        assert annotation.list_own(session, who).items == []
        assert annotation.list_tasks(session, reviewer).items == []
        with pytest.raises(Hidden):
            recordings.get_overview(session, auditor, force.recording_id)
        assert recordings.list_recordings(session, auditor).items == []
        assert service.list_incidents(session, auditor).items == []
        told = service.list_incidents(session, force.first).items
        assert [(one.reported_as, one.reason) for one in told] == [("labelling", "Real shots, real blood")]
        assert service.waiting(session, force.second).incidents == 1
        assert recordings.open_rendition(session, force.first, force.recording_id, "proxy")
        with pytest.raises(Quarantined):
            recordings.withdraw(session, force.first, force.recording_id, reason="away")
        with pytest.raises(IncidentState):
            service.mark_incident(session, force.first, force.recording_id, reason="again")


def test_work_on_it_is_closed_and_given_back_when_it_is_cleared(force: Force) -> None:
    _, assignment = annotator_at_work(force)
    with force.database.transaction() as session:
        service.mark_incident(session, force.first, force.recording_id, reason="Not ours")
    work(force, "close_work_on")
    assert _state(force, assignment.id) == "closed"
    with force.database.transaction() as session:
        service.clear_incident(session, force.second, force.recording_id, reason="It was the drill of May")
    work(force, "reopen_work_on")
    assert (force.state(), _state(force, assignment.id)) == ("ready", "open")
    assert "incident:cleared" in force.tags()
    with force.database.transaction() as session, pytest.raises(IncidentState):
        service.clear_incident(session, force.second, force.recording_id, reason="twice")


def _state(force: Force, assignment_id: UUID) -> str:
    with force.database.transaction() as session:
        return session.get_one(Assignment, assignment_id).state


def test_what_is_being_processed_stops_and_begins_anew(force: Force) -> None:
    with force.database.transaction() as session:
        busy = make_recording(session, force.vault)
        officer = make_officer(session, busy)
        service.mark_incident(session, officer, busy.id, reason="Wrong card")
    with force.database.transaction() as session:
        assert recordings.begin_attempt(session, busy.id) is None
        service.clear_incident(session, officer, busy.id, reason="Right card")
    with force.database.transaction() as session:
        found = session.get_one(Recording, busy.id)
        assert (found.state, found.job_id is not None) == ("processing", True)


def test_it_is_moved_out_only_as_the_very_original(force: Force) -> None:
    with force.database.transaction() as session:
        with pytest.raises(NoOriginal):
            service.open_original(session, force.first, force.recording_id, byte_range="")
        service.mark_incident(session, force.first, force.recording_id, reason="Real")
        service.move_out(session, force.first, force.recording_id, reason="To the evidence system")
    with force.database.transaction() as session:
        recording, key = service.open_original(session, force.first, force.recording_id, byte_range="")
        with force.vault.open(key, recording.blob_key) as stored:
            assert stored.read() == b"film"
        with pytest.raises(InvalidRequest, match="not the original"):
            service.confirm_moved_out(session, force.first, force.recording_id, sha256=b"\x00" * 32)
    with force.database.transaction() as session:
        service.confirm_moved_out(session, force.first, force.recording_id, sha256=recording.sha256)
        asked = service.standing(session, force.second, force.recording_id).erasure
        assert asked is not None
        assert (asked.ground, asked.state) == ("moved_out", "requested")
        with pytest.raises(NoOriginal):
            service.open_original(session, force.first, force.recording_id, byte_range="")
        with pytest.raises(IncidentState):
            service.clear_incident(session, force.first, force.recording_id, reason="no")


def test_a_published_release_hands_out_none_of_it(
    database: Database, settings: Settings, vault: Vault
) -> None:
    stage = make_stage(database, settings, vault)
    stage.publish()
    job = job_context(database, settings, vault)
    with database.transaction() as session:
        recording = session.scalars(select(Recording)).one()
        officer = make_officer(session, recording)
        company = make_identity(session, Role.PARTNER_ENGINEER)
        from app.accounts.models import Organisation

        open_grant(session, stage, session.get_one(Organisation, company.organisation_id))
        shard = session.scalars(select(TufTarget).where(TufTarget.path.like("shards/%"))).one()
        path = f"shards/{shard.sha256.hex()}.{shard.path.rpartition('/')[2]}"
        fetching.hand_out(session, company, slug=stage.slug, path=path, byte_range="")
        service.mark_incident(session, officer, recording.id, reason="Real")
        built = composing.create_release(session, stage.manager, version_id=_version(session), notes="")
    release_tasks.settle_shards(job, recording_id=recording.id)
    with database.transaction() as session:
        with pytest.raises(NotFound):
            fetching.hand_out(session, company, slug=stage.slug, path=path, byte_range="")
        with pytest.raises(FootageWithdrawn):
            composing.require_footage(session, built)
        service.clear_incident(session, officer, recording.id, reason=f"Training, {now():%Y}")
    release_tasks.settle_shards(job, recording_id=recording.id)
    with database.transaction() as session:
        assert fetching.hand_out(session, company, slug=stage.slug, path=path, byte_range="")


def test_what_was_withdrawn_before_is_set_apart_and_goes_back_there(
    database: Database, settings: Settings, vault: Vault
) -> None:
    stage = make_stage(database, settings, vault)
    stage.publish()
    job = job_context(database, settings, vault)
    with database.transaction() as session:
        recording = session.scalars(select(Recording)).one()
        officer = make_officer(session, recording)
        recordings.withdraw(session, officer, recording.id, reason="Consent taken back")
    with database.transaction() as session:
        made = service.mark_incident(session, officer, recording.id, reason="Real, as it turns out")
        assert made.state_before == "withdrawn"
    release_tasks.settle_shards(job, recording_id=recording.id)
    published = select(TufTarget.published).where(TufTarget.path.like("shards/%"))
    with database.transaction() as session:
        assert session.scalars(published).all() == [False]
        service.clear_incident(session, officer, recording.id, reason="Training after all")
    annotation_tasks.reopen_work_on(job, recording_id=recording.id)
    release_tasks.settle_shards(job, recording_id=recording.id)
    with database.transaction() as session:
        found = session.get_one(Recording, recording.id)
        assert (found.state, found.reason) == ("withdrawn", "Consent taken back")
        assert session.scalars(published).all() == [True]


@pytest.mark.parametrize("ended", ["withdrawn", "rejected"])
def test_the_same_file_handed_over_again_stands_in_no_ones_way(force: Force, ended: str) -> None:
    with force.database.transaction() as session:
        first = session.get_one(Recording, force.recording_id)
        first.state = ended
        session.flush()
        again = make_recording(session, force.vault, exercise=first.exercise, data=b"film")
        again.state = "ready"
        session.flush()
        assert again.sha256 == first.sha256
    for one in (first.id, again.id):
        with force.database.transaction() as session:
            service.mark_incident(session, force.first, one, reason="Real")
    for one, state in ((first.id, ended), (again.id, "ready")):
        with force.database.transaction() as session:
            service.clear_incident(session, force.first, one, reason="Training")
            assert session.get_one(Recording, one).state == state


def _version(session) -> UUID:  # type: ignore[no-untyped-def]
    from app.releases.models import Release

    return session.scalars(select(Release.dataset_version_id)).one()
