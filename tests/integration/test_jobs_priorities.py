"""What a person waits for is done before what nobody asked for, by the very query that workers fetch jobs with."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from app.core.db import Database
from app.core.identity import Identity, Role
from app.jobs import MEDIA_QUEUE, defer
from app.recordings import service
from app.recordings.models import Recording
from app.recordings.service.normalising import PROPOSALS_WAIT
from app.recordings.service.steps import JOIN_PRIORITY, SOUND_PRIORITY
from app.redaction import service as redaction
from app.redaction.models import Redaction
from app.storage.vault import Vault
from tests.factories.accounts import make_identity
from tests.factories.exercises import make_exercise
from tests.factories.recordings import make_ready_recording

TAKE = text("SELECT task_name FROM procrastinate_fetch_job_v2(ARRAY[:queue], :worker)")
WORKER = text("INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now()) RETURNING id")


@pytest.fixture
def asked(database: Database, vault: Vault) -> tuple[Recording, Identity]:
    """A ready recording, its officer, and a bulk of work that nobody asked for, which was there before."""
    with database.transaction() as session:
        officer = make_identity(session, Role.DATA_OFFICER)
        exercise = make_exercise(session, organisation_id=officer.organisation_id)
        recording = make_ready_recording(session, vault, exercise=exercise)
        for number in range(20):
            for name, priority in (
                ("recordings.encode", -number),
                ("recordings.encode", SOUND_PRIORITY),
                ("recordings.assemble", JOIN_PRIORITY),
                ("redaction.propose", PROPOSALS_WAIT),
            ):
                defer(session, name, queue=MEDIA_QUEUE, priority=priority)
    return recording, officer


def _first(database: Database) -> str | None:
    """What the next free worker for footage takes."""
    with database.transaction() as session:
        worker = session.scalar(WORKER)
        return session.scalar(TAKE, {"queue": MEDIA_QUEUE, "worker": worker})


def test_a_cut_that_a_person_asked_for_is_taken_before_a_bulk(
    database: Database, asked: tuple[Recording, Identity]
) -> None:
    recording, officer = asked
    with database.transaction() as session:
        service.request_cut(session, officer, recording.id, seconds=5)
    assert _first(database) == "recordings.cut"
    assert _first(database) == "recordings.assemble"


def test_so_is_a_copy(database: Database, asked: tuple[Recording, Identity]) -> None:
    recording, officer = asked
    with database.transaction() as session:
        service.request_export(session, officer, recording.id, rate="25")
    assert _first(database) == "recordings.export"


def test_so_are_looking_through_and_rendering(database: Database, asked: tuple[Recording, Identity]) -> None:
    recording, officer = asked
    with database.transaction() as session:
        redaction.request_proposals(session, officer, recording.id)
    assert _first(database) == "redaction.propose"
    with database.transaction() as session:
        opened: Redaction = redaction.open_redaction(session, officer, recording.id)
        redaction.approve(session, officer, redaction_id=opened.id, version=opened.version)
    assert _first(database) == "redaction.render"
