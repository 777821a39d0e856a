from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import select

from app.audit.models import AuditEvent
from app.core.db import Database
from app.core.errors import Forbidden, InvalidRequest, NotFound, StaleVersion
from app.core.identity import Identity, Role
from app.recordings import service
from app.recordings.models import Recording
from app.recordings.service.errors import DetailsFixed
from app.storage.vault import Vault
from tests.factories.accounts import make_identity
from tests.factories.exercises import make_exercise
from tests.factories.recordings import make_recording

STARTED = datetime(2026, 3, 14, 10, 15, tzinfo=timezone(timedelta(hours=1)))


@pytest.fixture
def officer(database: Database) -> Identity:
    with database.transaction() as session:
        return make_identity(session, Role.DATA_OFFICER)


@pytest.fixture
def three(database: Database, vault: Vault, officer: Identity) -> list[Recording]:
    with database.transaction() as session:
        exercise = make_exercise(session, organisation_id=officer.organisation_id)
        return [make_recording(session, vault, exercise=exercise, data=bytes([n])) for n in range(3)]


def test_the_cameras_time_is_kept_and_the_corrected_one_worked_out(
    database: Database, officer: Identity, three: list[Recording]
) -> None:
    one = three[0]
    said = {"started_at": STARTED, "clock_offset_seconds": -40.5, "camera": "AX-7", "viewpoint": "officer"}
    with database.transaction() as session:
        service.change_details(session, officer, one.id, version=1, changes=said)
    with database.transaction() as session:
        found = session.get_one(Recording, one.id)
        assert found.camera_started_at == STARTED
        assert found.corrected_start == STARTED + timedelta(seconds=40.5)
        assert found.received_at == one.received_at
        assert found.details_version == 2
        event = session.scalars(select(AuditEvent).where(AuditEvent.tag == "recording:described")).one()
        assert event.details["changed"]["clock_offset_seconds"] == [None, "-40.5"]
        assert event.details["changed"]["camera"] == [None, "AX-7"]
        found.camera_offset_seconds = None
        assert found.corrected_start is None, "an offset that nobody stated corrects nothing"


def test_two_who_change_the_same_do_not_overwrite(
    database: Database, officer: Identity, three: list[Recording]
) -> None:
    one = three[0]
    with database.transaction() as session:
        service.change_details(session, officer, one.id, version=1, changes={"notes": "first"})
        service.change_details(session, officer, one.id, version=2, changes={"notes": "first"})
        assert one.details_version == 1, "what changes nothing counts as no change"
    with database.transaction() as session, pytest.raises(StaleVersion):
        service.change_details(session, officer, one.id, version=1, changes={"notes": "second"})
    with database.transaction() as session, pytest.raises(InvalidRequest):
        service.change_details(session, officer, one.id, version=2, changes={"sha256": b""})


def test_many_are_described_or_none(
    database: Database, vault: Vault, officer: Identity, three: list[Recording]
) -> None:
    ids = [one.id for one in three]
    with database.transaction() as session:
        foreign = make_recording(session, vault, data=b"foreign")
        auditor = make_identity(session, Role.AUDITOR)
    changes = {"camera": "AX-9"}
    with database.transaction() as session, pytest.raises(NotFound):
        service.change_many(session, officer, ids=[*ids, foreign.id], changes=changes)
    with database.transaction() as session, pytest.raises(Forbidden):
        service.change_many(session, auditor, ids=ids, changes=changes)
    with database.transaction() as session:
        session.get_one(Recording, ids[2]).state = "withdrawn"
    with pytest.raises(DetailsFixed), database.transaction() as session:
        service.change_many(session, officer, ids=ids, changes=changes)
    with database.transaction() as session:
        assert [session.get_one(Recording, one).camera for one in ids] == [None] * 3
        assert session.scalars(select(AuditEvent).where(AuditEvent.tag == "recording:described")).all() == []
        service.change_many(session, officer, ids=ids[:2], changes=changes)
        assert [session.get_one(Recording, one).camera for one in ids] == ["AX-9", "AX-9", None]


def test_a_file_fills_what_nobody_said(database: Database, officer: Identity, three: list[Recording]) -> None:
    ids = [one.id for one in three]
    with database.transaction() as session:
        for one in ids[:2]:
            claimed = {
                "camera": "GoPro",
                "serial": "C1",
                "started_at": "2026-03-14T09:15:00.000Z",
                "clock": "gps",
            }
            session.get_one(Recording, one).suggestion = claimed
        session.get_one(Recording, ids[1]).camera = "AX-1"
    with database.transaction() as session:
        service.change_many(session, officer, ids=ids, changes={"reference": "E/1"}, fill_suggested=True)
        found = [session.get_one(Recording, one) for one in ids]
        assert [one.camera for one in found] == ["GoPro C1", "AX-1", None]
        assert [one.camera_started_at for one in found] == [datetime(2026, 3, 14, 9, 15, tzinfo=UTC)] * 2 + [
            None
        ]
        assert {one.reference for one in found} == {"E/1"}
