"""Redactions from proposal to approval: who may, what is refused, and what the log says."""

from __future__ import annotations

import io
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.accounts.models import Organisation
from app.audit.models import AuditEvent
from app.core.db import Database
from app.core.errors import Forbidden, NotFound, StaleVersion
from app.core.identity import Identity, Role
from app.jobs import Superseded
from app.recordings import service as recordings
from app.recordings.models import Recording
from app.recordings.service.errors import NotViewable
from app.redaction import service
from app.redaction.models import Redaction
from app.redaction.regions import MAX_REGIONS, RegionRefused
from app.redaction.service import RedactionState, Undecided, proposing, rendering, sweeping
from app.storage.vault import Vault
from tests.factories.accounts import make_identity
from tests.factories.annotation import steady_ledger
from tests.factories.recordings import make_ready_recording
from tests.factories.redaction import drawn, make_redaction, make_rendered


@pytest.fixture
def ready(database: Database, vault: Vault) -> tuple[Recording, Identity]:
    """A ready recording and an officer of its force."""
    with database.transaction() as session:
        recording = make_ready_recording(session, vault)
        force = session.get_one(Organisation, recording.organisation_id)
        return recording, make_identity(session, Role.DATA_OFFICER, organisation=force)


@pytest.fixture
def proposed(database: Database, ready: tuple[Recording, Identity]) -> tuple[Redaction, Identity]:
    """Two faces and a voice proposed for it."""
    with database.transaction() as session:
        return make_redaction(session, ready[0]), ready[1]


def tags(session: Session, recording_id: UUID) -> list[str]:
    query = select(AuditEvent.tag).where(AuditEvent.subject_id == recording_id).order_by(AuditEvent.id)
    return [tag for tag in session.scalars(query) if tag.startswith("redaction:")]


def add(session: Session, officer: Identity, redaction: Redaction, **values: Any) -> Redaction:
    return service.add_region(
        session,
        officer,
        steady_ledger,  # type: ignore[arg-type]
        redaction_id=redaction.id,
        version=redaction.version,
        wanted=drawn(**values),
    )


def change(
    session: Session, officer: Identity, redaction: Redaction, number: int, **changes: Any
) -> Redaction:
    return service.change_region(
        session,
        officer,
        steady_ledger,  # type: ignore[arg-type]
        redaction_id=redaction.id,
        region_id=redaction.regions[number].id,
        version=redaction.version,
        changes=changes,
    )


def test_proposals_are_pending_regions_with_the_ledgers_times(proposed: tuple[Redaction, Identity]) -> None:
    redaction, _ = proposed
    assert (redaction.state, redaction.number) == ("proposed", 1)
    first, voice, second = redaction.regions
    assert [(r.kind, r.style, r.source, r.decision) for r in (first, voice)] == [
        ("face", "blur", "proposed", "pending"),
        ("voice", "mute", "proposed", "pending"),
    ]
    assert (first.start_pts, first.end_pts, first.score) == (1000, 4000, 0.9)
    assert first.keyframes == [
        {"frame": 10, "box": [0.1, 0.1, 0.2, 0.3], "outside": False},
        {"frame": 39, "box": [0.5, 0.1, 0.2, 0.3], "outside": False},
    ]
    assert (voice.keyframes, second.start_frame) == (None, 50)


def test_the_way_from_proposal_to_approval(database: Database, proposed: tuple[Redaction, Identity]) -> None:
    redaction, officer = proposed
    with database.transaction() as session:
        with pytest.raises(Undecided, match="3 regions"):
            service.approve(session, officer, redaction_id=redaction.id, version=redaction.version)
        changed = change(session, officer, redaction, 2, decision="rejected")
        assert changed.state == "in_review"
        changed = add(session, officer, changed)
        changed = service.decide_all(
            session, officer, redaction_id=redaction.id, version=changed.version, decision="accepted"
        )
        approved = service.approve(session, officer, redaction_id=redaction.id, version=changed.version)
        assert (approved.state, approved.approved_by) == ("approved", officer.person_id)
        assert sorted(r.decision for r in approved.regions) == ["accepted"] * 3 + ["rejected"]
        assert {r.decided_by for r in approved.regions} == {officer.person_id}
        jobs = list(session.scalars(text("SELECT task_name FROM procrastinate_jobs")))
        assert jobs == ["redaction.render"]
        assert tags(session, redaction.recording_id) == [
            "redaction:proposed",
            *["redaction:changed"] * 3,
            "redaction:approved",
        ]


def test_a_decision_made_on_an_older_version_is_refused(
    database: Database, proposed: tuple[Redaction, Identity]
) -> None:
    redaction, officer = proposed
    with database.transaction() as session:
        service.decide_all(
            session, officer, redaction_id=redaction.id, version=redaction.version, decision="accepted"
        )
    with database.transaction() as session, pytest.raises(StaleVersion):
        change(session, officer, redaction, 0, decision="rejected")


def test_what_is_approved_can_no_longer_be_changed_until_it_is_stopped(
    database: Database, proposed: tuple[Redaction, Identity]
) -> None:
    redaction, officer = proposed
    with database.transaction() as session:
        decided = service.decide_all(
            session, officer, redaction_id=redaction.id, version=redaction.version, decision="rejected"
        )
        approved = service.approve(session, officer, redaction_id=redaction.id, version=decided.version)
        with pytest.raises(RedactionState):
            add(session, officer, approved)
        with pytest.raises(RedactionState):
            service.open_redaction(session, officer, redaction.recording_id)
        stopped = service.cancel(session, officer, redaction_id=redaction.id, version=approved.version)
        assert stopped.state == "in_review"
        assert add(session, officer, stopped).state == "in_review"
        assert session.scalar(text("SELECT status::text FROM procrastinate_jobs")) == "cancelled"


def test_a_rendered_redaction_stays_and_is_worked_on_as_the_next(
    database: Database, vault: Vault, proposed: tuple[Redaction, Identity]
) -> None:
    redaction, officer = proposed
    with database.transaction() as session:
        first = session.get_one(Redaction, redaction.id)
        service.decide_all(
            session, officer, redaction_id=first.id, version=first.version, decision="accepted"
        )
        make_rendered(session, vault, first)
        with pytest.raises(RedactionState):
            add(session, officer, first)
        second = service.open_redaction(session, officer, redaction.recording_id)
        assert (second.number, second.state) == (2, "in_review")
        assert [(r.kind, r.decision, r.keyframes) for r in second.regions] == [
            (r.kind, r.decision, r.keyframes) for r in first.regions
        ]
        newest = service.newest(session, officer, redaction.recording_id)
        assert newest is not None
        assert newest.id == second.id
        assert service.open_redaction(session, officer, redaction.recording_id).id == second.id
        found, key = service.open_redacted(session, officer, first.id)
        with vault.open(key, found.blob_key or "") as stored:
            assert stored.read() == b"redacted master.mp4"
        with pytest.raises(NotViewable):
            service.open_redacted(session, officer, second.id)
        assert tags(session, redaction.recording_id)[-2:] == ["redaction:opened", "redaction:viewed"]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"end_frame": 101}, "not in the recording"),
        ({"start_frame": 30}, "not in the recording"),
        ({"style": "mute"}, "blur or mask"),
        ({"keyframes": None}, "at least one keyframe"),
        ({"start_frame": 4}, "opens the track"),
        ({"kind": "voice", "style": "mute"}, "no place in the picture"),
        ({"kind": "voice", "style": "blur", "keyframes": None}, "mute or voice change"),
    ],
)
def test_a_region_that_does_not_fit_is_refused_in_words(
    database: Database, proposed: tuple[Redaction, Identity], values: dict[str, Any], said: str
) -> None:
    redaction, officer = proposed
    with database.transaction() as session, pytest.raises(RegionRefused, match=said):
        add(session, officer, redaction, **values)


def test_a_region_moves_with_its_times_and_only_drawn_ones_are_removed(
    database: Database, proposed: tuple[Redaction, Identity]
) -> None:
    redaction, officer = proposed
    with database.transaction() as session:
        keyframes = [{"frame": 12, "box": [0.0, 0.0, 0.5, 0.5], "outside": False}]
        changed = change(
            session, officer, redaction, 0, start_frame=12, end_frame=50, keyframes=keyframes, style="mask"
        )
        moved = changed.regions[0]
        assert (moved.start_pts, moved.end_pts, moved.style, moved.decision) == (
            1200,
            5000,
            "mask",
            "pending",
        )
        with pytest.raises(RedactionState, match="rejected, not removed"):
            service.remove_region(
                session, officer, redaction_id=redaction.id, region_id=moved.id, version=changed.version
            )
        changed = add(session, officer, changed)
        mine = next(r for r in changed.regions if r.source == "drawn")
        changed = service.remove_region(
            session, officer, redaction_id=redaction.id, region_id=mine.id, version=changed.version
        )
        assert len(changed.regions) == 3
        with pytest.raises(NotFound):
            service.remove_region(
                session, officer, redaction_id=redaction.id, region_id=mine.id, version=changed.version
            )


@pytest.mark.parametrize("role", [r for r in Role if r is not Role.DATA_OFFICER])
def test_only_the_forces_officers_decide(
    database: Database, proposed: tuple[Redaction, Identity], role: Role
) -> None:
    redaction, _ = proposed
    with database.transaction() as session:
        other = make_identity(session, role)
        with pytest.raises(Forbidden):
            add(session, other, redaction)


def test_another_forces_redaction_is_hidden(database: Database, proposed: tuple[Redaction, Identity]) -> None:
    redaction, _ = proposed
    with database.transaction() as session:
        stranger = make_identity(session, Role.DATA_OFFICER)
        for call in (
            lambda: add(session, stranger, redaction),
            lambda: service.newest(session, stranger, redaction.recording_id),
            lambda: service.open_redaction(session, stranger, redaction.recording_id),
            lambda: service.open_redacted(session, stranger, redaction.id),
        ):
            with pytest.raises(NotFound):
                call()


def test_nothing_is_shown_or_rendered_of_a_withdrawn_recording(
    database: Database, proposed: tuple[Redaction, Identity]
) -> None:
    redaction, officer = proposed
    with database.transaction() as session:
        decided = service.decide_all(
            session, officer, redaction_id=redaction.id, version=redaction.version, decision="accepted"
        )
        service.approve(session, officer, redaction_id=redaction.id, version=decided.version)
        recordings.withdraw(session, officer, redaction.recording_id, reason="asked by a trainee")
        with pytest.raises(NotFound):
            service.newest(session, officer, redaction.recording_id)
    with database.transaction() as session:
        job_id = session.get_one(Redaction, redaction.id).job_id
        assert rendering.begin(session, redaction.id, job_id=job_id) is None
        failed = session.get_one(Redaction, redaction.id)
        assert (failed.state, failed.reason) == ("failed", rendering.GONE)


def test_proposals_beyond_what_is_kept_are_told_to_whoever_reviews(
    database: Database, vault: Vault, ready: tuple[Recording, Identity], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is kept covers the recording up to a time, whatever kind it is; the next number says so too."""
    recording, officer = ready
    monkeypatch.setattr(proposing, "MAX_PROPOSALS", 2)
    with database.transaction() as session:
        redaction = make_redaction(session, recording)
        assert [region.kind for region in redaction.regions] == ["face", "voice"]
        assert redaction.uncovered_from == 50
        decided = service.decide_all(
            session, officer, redaction_id=redaction.id, version=redaction.version, decision="accepted"
        )
        added = add(session, officer, decided)
        approved = service.approve(session, officer, redaction_id=redaction.id, version=added.version)
        events = {one.tag: one.details for one in session.scalars(select(AuditEvent))}
        make_rendered(session, vault, approved)
        assert service.open_redaction(session, officer, recording.id).uncovered_from == 50
    told = {name: events[f"redaction:{name}"].get("uncovered_from") for name in ("proposed", "approved")}
    assert told == {"proposed": 50, "approved": 50}
    assert events["redaction:proposed"]["left_out"] == 1


def test_there_is_room_for_regions_drawn_beside_all_proposals() -> None:
    assert proposing.MAX_PROPOSALS < MAX_REGIONS


def test_a_second_proposal_changes_nothing(database: Database, ready: tuple[Recording, Identity]) -> None:
    recording, officer = ready
    with database.transaction() as session:
        service.request_proposals(session, officer, recording.id)
        with pytest.raises(RedactionState, match="waiting"):
            service.request_proposals(session, officer, recording.id)
        opened = service.open_redaction(session, officer, recording.id)
        assert (opened.state, opened.regions) == ("in_review", [])
        with pytest.raises(AssertionError):
            make_redaction(session, recording)
        with pytest.raises(RedactionState, match="before"):
            service.request_proposals(session, officer, recording.id)


def test_a_rendering_whose_job_gave_up_fails_and_can_be_approved_again(
    database: Database, vault: Vault, proposed: tuple[Redaction, Identity]
) -> None:
    redaction, officer = proposed
    with database.transaction() as session:
        decided = service.decide_all(
            session, officer, redaction_id=redaction.id, version=redaction.version, decision="accepted"
        )
        service.approve(session, officer, redaction_id=redaction.id, version=decided.version)
        session.execute(text("DELETE FROM procrastinate_jobs"))
    sweeping.fail_abandoned(database)
    with database.transaction() as session:
        failed = session.get_one(Redaction, redaction.id)
        assert (failed.state, failed.reason) == ("failed", sweeping.GAVE_UP)
        with pytest.raises(Superseded):
            rendering.commit_render(
                session, redaction.id, job_id=redaction.job_id, master=None, clips={}, made_by={}
            )
        again = service.approve(session, officer, redaction_id=redaction.id, version=failed.version)
        assert (again.state, again.reason) == ("approved", None)


def test_objects_that_no_row_names_are_swept_and_others_stay(
    database: Database, vault: Vault, proposed: tuple[Redaction, Identity]
) -> None:
    redaction, _ = proposed
    with database.transaction() as session:
        make_rendered(session, vault, session.get_one(Redaction, redaction.id))
    kept = set(vault.store.list("redactions/"))
    vault.store.put(f"redactions/{redaction.id}/job0-1/master.mp4", io.BytesIO(b"left by a crash"))
    assert len(kept) == 3
    assert sweeping.remove_strays(database, vault) == 1
    assert set(vault.store.list("redactions/")) == kept
