"""A joined recording and its parts show the same: what is decided about the one holds for the other."""

from __future__ import annotations

from uuid import UUID

import pytest
from sqlalchemy import select

from app.audit.models import AuditEvent
from app.core.identity import Identity, Role
from app.custody import service, tasks
from app.custody.queries import erasure as erasure_of
from app.custody.service.errors import IncidentState, NotErasable, OnHold
from app.jobs import status_of
from app.recordings import queries as recordings_queries
from app.recordings import service as recordings
from app.recordings.models import Recording, RecordingPart
from app.recordings.service import lifecycle
from app.uploads.queries import bytes_held, note_kept
from tests.factories.accounts import make_identity
from tests.factories.recordings import job_context, make_recording
from tests.unit.app.custody.conftest import Force


@pytest.fixture
def parts(force: Force) -> list[UUID]:
    """Two parts that the force's recording was joined from and stands for."""
    with force.database.transaction() as session:
        whole = session.get_one(Recording, force.recording_id)
        whole.upload_id = None
        made = [
            make_recording(session, force.vault, exercise=whole.exercise, data=name.encode(), filename=name)
            for name in ("GX010001.MP4", "GX020001.MP4")
        ]
        for number, part in enumerate(made):
            part.state, part.part_of_id = "ready", whole.id
            row = {"ordinal": number, "start_frame": 10 * number, "end_frame": 10 * number + 10}
            session.add(RecordingPart(joined_id=whole.id, part_id=part.id, **row))
        return [part.id for part in made]


def states(force: Force, *ids: UUID) -> list[str]:
    with force.database.transaction() as session:
        return [session.get_one(Recording, one).state for one in (force.recording_id, *ids)]


def test_an_incident_in_a_part_sets_the_joined_recording_apart(force: Force, parts: list[UUID]) -> None:
    with force.database.transaction() as session:
        service.mark_incident(session, force.first, parts[0], reason="Real shots")
    assert states(force, *parts) == ["quarantined", "quarantined", "ready"]
    with force.database.transaction() as session:
        service.clear_incident(session, force.second, parts[0], reason="Blanks after all")
    assert states(force, *parts) == ["ready", "ready", "ready"]


def test_an_incident_in_the_joined_recording_sets_its_parts_apart(force: Force, parts: list[UUID]) -> None:
    with force.database.transaction() as session:
        service.mark_incident(session, force.first, force.recording_id, reason="Real shots")
    assert states(force, *parts) == ["quarantined"] * 3
    with force.database.transaction() as session:
        service.clear_incident(session, force.second, parts[1], reason="That one is training")
    assert states(force, *parts) == ["quarantined", "quarantined", "ready"]
    with force.database.transaction() as session:
        service.move_out(session, force.second, parts[0], reason="It is one")
        sha256 = session.get_one(Recording, parts[0]).sha256
        service.confirm_moved_out(session, force.second, parts[0], sha256=sha256)
    with force.database.transaction() as session, pytest.raises(IncidentState):
        service.clear_incident(session, force.second, force.recording_id, reason="All of it is training")
    assert states(force, *parts) == ["quarantined", "quarantined", "ready"]


def clear(force: Force, recording_id: UUID) -> None:
    with force.database.transaction() as session:
        service.clear_incident(session, force.second, recording_id, reason="Blanks after all")


@pytest.mark.parametrize("before", ["ready", "processing"])
@pytest.mark.parametrize("cleared", ["the part", "the joined one"])
def test_a_part_withdrawn_meanwhile_keeps_what_was_joined_out_of_use(
    force: Force, parts: list[UUID], before: str, cleared: str
) -> None:
    with force.database.transaction() as session:
        session.get_one(Recording, force.recording_id).state = before
    with force.database.transaction() as session:
        service.mark_incident(session, force.first, parts[0], reason="Real shots")
        recordings.withdraw(session, force.first, parts[1], reason="Consent taken back")
    assert states(force, *parts) == ["quarantined", "quarantined", "withdrawn"]
    clear(force, parts[0] if cleared == "the part" else force.recording_id)
    assert states(force, *parts) == ["withdrawn", "ready", "withdrawn"]
    with force.database.transaction() as session:
        joined = session.get_one(Recording, force.recording_id)
        assert (joined.reason_code, joined.reason) == ("withdrawn_by_force", "Consent taken back")
        assert session.get_one(Recording, parts[0]).part_of_id is None, "it counts for itself again"
        if joined.job_id is not None:
            assert status_of(session, joined.job_id) == "cancelled"
    assert force.tags()[-2:] == ["incident:cleared", "recording:withdrawn"]


def test_nor_does_it_come_back_with_a_part_that_was_withdrawn_and_then_set_apart(
    force: Force, parts: list[UUID]
) -> None:
    with force.database.transaction() as session:
        service.mark_incident(session, force.first, parts[0], reason="Real shots")
        recordings.withdraw(session, force.first, parts[1], reason="Consent taken back")
        service.mark_incident(session, force.first, parts[1], reason="Here too")
    clear(force, force.recording_id)
    assert states(force, *parts) == ["withdrawn", "ready", "withdrawn"]


def test_a_part_cleared_by_itself_and_withdrawn_keeps_what_was_joined_out_of_use(
    force: Force, parts: list[UUID]
) -> None:
    with force.database.transaction() as session:
        service.mark_incident(session, force.first, force.recording_id, reason="Real shots")
    clear(force, parts[1])
    with force.database.transaction() as session:
        recordings.withdraw(session, force.first, parts[1], reason="Consent taken back")
    clear(force, force.recording_id)
    assert states(force, *parts) == ["withdrawn", "ready", "withdrawn"]


def told(force: Force, part: UUID) -> list[tuple[str, str]]:
    """What a part's history says of the joined recording: the tag, and why."""
    about = select(AuditEvent).where(AuditEvent.subject_id == part, AuditEvent.tag.like("joined:%"))
    with force.database.transaction() as session:
        return [(one.tag, one.details["reason"]) for one in session.scalars(about.order_by(AuditEvent.id))]


def stands_back(force: Force, part: UUID, who: Identity | None = None) -> str | None:
    with force.database.transaction() as session:
        found = service.standing(session, who or force.second, part).stands_back
        return found.reason if found else None


def test_the_other_parts_are_told_why_they_stand_back(force: Force, parts: list[UUID]) -> None:
    assert stands_back(force, parts[1]) is None
    with force.database.transaction() as session:
        auditor = make_identity(session, Role.AUDITOR)
        service.mark_incident(session, force.first, parts[0], reason="Real shots")
    assert told(force, parts[1]) == [("joined:quarantined", "Real shots")]
    assert told(force, parts[0]) == [], "it has an entry of its own"
    assert stands_back(force, parts[1]) == "Real shots"
    assert stands_back(force, parts[1], auditor) is None, "what is quarantined is its own force's alone"
    with force.database.transaction() as session:
        service.clear_incident(session, force.second, parts[0], reason="Blanks after all")
    assert told(force, parts[1])[1:] == [("joined:cleared", "Blanks after all")]
    assert told(force, parts[0]) == []
    assert stands_back(force, parts[1]) is None


def test_a_part_that_is_cleared_alone_still_stands_back(force: Force, parts: list[UUID]) -> None:
    with force.database.transaction() as session:
        service.mark_incident(session, force.first, force.recording_id, reason="Real shots")
    assert [told(force, part) for part in parts] == [[], []]
    with force.database.transaction() as session:
        service.clear_incident(session, force.second, parts[1], reason="That one is training")
    assert told(force, parts[1]) == [("joined:quarantined", "Real shots")]
    assert stands_back(force, parts[1]) == "Real shots"
    with force.database.transaction() as session:
        service.clear_incident(session, force.second, force.recording_id, reason="All of it is")
    assert told(force, parts[1])[1:] == [("joined:cleared", "All of it is")]
    assert told(force, parts[0]) == []


def test_who_erases_a_part_erases_what_was_joined_from_it(force: Force, parts: list[UUID]) -> None:
    with force.database.transaction() as session:
        service.place_hold(session, force.first, force.recording_id, reason="Inquiry 12")
        recordings.withdraw(session, force.first, parts[0], reason="Consent taken back")
    with force.database.transaction() as session:
        with pytest.raises(OnHold):
            service.request_erasure(session, force.first, parts[0], reason="Consent taken back")
        service.lift_hold(session, force.first, force.recording_id, reason="Inquiry closed")
        service.request_erasure(session, force.first, parts[0], reason="Consent taken back")
        service.confirm_erasure(session, force.second, parts[0])
        both = [erasure_of(session, one) for one in (parts[0], force.recording_id)]
    for number, erasure in enumerate(both):
        assert erasure is not None
        job = job_context(force.database, force.settings, force.vault, job_id=77 + number)
        tasks.erase(job, erasure_id=erasure.id)
    assert states(force, *parts) == ["erased", "erased", "ready"]
    left = list(force.vault.store.list())
    assert left
    assert all(str(parts[1]) in key for key in left)


def test_parts_of_what_was_erased_count_for_themselves_again(force: Force, parts: list[UUID]) -> None:
    with force.database.transaction() as session:
        service.mark_incident(session, force.first, parts[0], reason="Real shots")
        service.request_erasure(session, force.first, parts[0], reason="Real shots")
        service.confirm_erasure(session, force.second, parts[0])
        whole = erasure_of(session, force.recording_id)
        joined = session.get_one(Recording, force.recording_id)
        note_kept(session, joined.organisation_id, joined.size)  # as joining does
        held = bytes_held(session, joined.organisation_id)
    assert whole is not None
    tasks.erase(job_context(force.database, force.settings, force.vault), erasure_id=whole.id)
    with force.database.transaction() as session:
        assert bytes_held(session, joined.organisation_id) == held - joined.size
        left = session.get_one(Recording, parts[1])
        assert (left.state, left.part_of_id) == ("ready", None)


def test_nothing_in_use_is_erased_along(force: Force, parts: list[UUID]) -> None:
    with force.database.transaction() as session:
        service.mark_incident(session, force.first, force.recording_id, reason="Real shots")
        service.request_erasure(session, force.first, force.recording_id, reason="Real shots")
        service.clear_incident(session, force.second, parts[1], reason="That one is training")
    with force.database.transaction() as session, pytest.raises(NotErasable, match="GX020001"):
        service.confirm_erasure(session, force.second, force.recording_id)
    with force.database.transaction() as session:
        service.cancel_erasure(session, force.first, force.recording_id, reason="Its first part alone")
    with force.database.transaction() as session, pytest.raises(NotErasable, match="GX020001"):
        service.request_erasure(session, force.first, force.recording_id, reason="Real shots")
    assert states(force, *parts) == ["quarantined", "quarantined", "ready"]


def test_what_its_parts_were_joined_into_anew_is_the_same_footage(force: Force, parts: list[UUID]) -> None:
    with force.database.transaction() as session:
        first = session.get_one(Recording, force.recording_id)
        first.state = "rejected"
        again = make_recording(session, force.vault, exercise=first.exercise, data=b"again")
        again.state, again.upload_id = "ready", None
        for number, part in enumerate(parts):
            session.get_one(Recording, part).part_of_id = again.id
            row = {"ordinal": number, "start_frame": 10 * number, "end_frame": 10 * number + 10}
            session.add(RecordingPart(joined_id=again.id, part_id=part, **row))
    with force.database.transaction() as session:
        service.mark_incident(session, force.first, force.recording_id, reason="Real shots")
    assert states(force, *parts, again.id) == ["quarantined"] * 4


def test_who_withdraws_a_part_while_it_is_joined_takes_that_along(
    force: Force, parts: list[UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lifecycle, "lock_whole", lambda *_: None)  # as it was before the join was committed
    with force.database.transaction() as session:
        recordings.withdraw(session, force.first, parts[0], reason="Consent taken back")
    assert states(force, *parts) == ["withdrawn", "withdrawn", "ready"]


def test_what_was_joined_is_held_before_its_parts(force: Force, parts: list[UUID]) -> None:
    with force.database.transaction() as session:
        late = make_recording(session, force.vault, data=b"late")
        late.upload_id = None
        session.flush()
        held = recordings_queries.locked_many(session, [late.id, *parts])
        assert [one.id for one in held] == [late.id, *sorted(parts)]


def test_what_was_joined_has_a_receipt_that_names_its_parts(force: Force, parts: list[UUID]) -> None:
    with force.database.transaction() as session:
        said = recordings.received(session, session.get_one(Recording, force.recording_id))
        assert set(said["joined_from"]) == {str(one) for one in parts}
        assert "upload" not in said
