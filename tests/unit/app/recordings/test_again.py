"""Processed again: what the service failed to process, from the original that is still there."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select, text

from app.audit.models import AuditEvent
from app.core.clock import now
from app.core.db import Database
from app.core.errors import Forbidden, Hidden, NotFound
from app.core.identity import Identity, Role
from app.exercises.models import Exercise
from app.recordings import service
from app.recordings.models import Recording
from app.recordings.service.errors import NotAgain
from app.settings import Settings
from app.storage.vault import Vault
from tests.factories.accounts import make_identity
from tests.factories.exercises import make_exercise
from tests.factories.recordings import ingest_on_the_spot, make_film, make_recording


@pytest.fixture
def officer(database: Database) -> Identity:
    with database.transaction() as session:
        return make_identity(session, Role.DATA_OFFICER)


@pytest.fixture
def exercise(database: Database, officer: Identity) -> Exercise:
    with database.transaction() as session:
        return make_exercise(session, organisation_id=officer.organisation_id)


def _given_up(database: Database, vault: Vault, exercise: Exercise, data: bytes = b"film") -> Recording:
    """A recording whose job ended without a result, as the sweep finds it."""
    with database.transaction() as session:
        hour_ago = now() - timedelta(hours=1)
        made = make_recording(session, vault, exercise=exercise, data=data, received_at=hour_ago)
    service.fail_abandoned(database)
    with database.transaction() as session:
        found = session.get_one(Recording, made.id)
        assert (found.state, found.reason_code) == ("rejected", "processing_failed")
        return found


@pytest.mark.slow
def test_what_the_service_failed_to_process_is_processed_again(
    database: Database,
    settings: Settings,
    vault: Vault,
    officer: Identity,
    exercise: Exercise,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    film = make_film(tmp_path_factory.mktemp("film") / "film.mp4").read_bytes()
    failed = _given_up(database, vault, exercise, film)
    with database.transaction() as session:
        again = service.process_again(session, officer, vault, failed.id)
        assert (again.state, again.reason_code, again.reason) == ("processing", None, None)
        jobs = text("SELECT task_name FROM procrastinate_jobs WHERE id = :id AND status = 'todo'")
        assert session.scalar(jobs, {"id": again.job_id}) == "recordings.normalise"
    service.fail_abandoned(database)  # which looks at its job, not at its age
    ingest_on_the_spot(database, settings, vault, failed.id)
    with database.transaction() as session:
        assert session.get_one(Recording, failed.id).state == "ready"
        entries = session.execute(
            select(AuditEvent.tag, AuditEvent.actor_id).where(AuditEvent.subject_id == failed.id)
        ).all()
    assert ("recording:processed-again", officer.id) in [tuple(one) for one in entries]


def test_nobody_else_has_it_processed(
    database: Database, vault: Vault, officer: Identity, exercise: Exercise
) -> None:
    failed = _given_up(database, vault, exercise)
    with database.transaction() as session:
        stranger = make_identity(session, Role.DATA_OFFICER)
        with pytest.raises(Hidden):
            service.process_again(session, stranger, vault, failed.id)
        for role in set(Role) - {Role.DATA_OFFICER}:
            with pytest.raises(Forbidden):
                service.process_again(session, make_identity(session, role), vault, failed.id)
        with pytest.raises(NotFound):
            service.process_again(session, officer, vault, exercise.id)


@pytest.mark.parametrize(
    ("state", "code"),
    [
        ("rejected", "undecodable"),
        ("rejected", "cancelled"),
        ("ready", None),
        ("withdrawn", "processing_failed"),
    ],
)
def test_what_did_not_fail_here_is_not_processed_again(
    database: Database, vault: Vault, officer: Identity, exercise: Exercise, state: str, code: str | None
) -> None:
    failed = _given_up(database, vault, exercise)
    with database.transaction() as session:
        row = session.get_one(Recording, failed.id)
        row.state, row.reason_code = state, code
    with database.transaction() as session, pytest.raises(NotAgain):
        service.process_again(session, officer, vault, failed.id)


def test_twice_is_once(database: Database, vault: Vault, officer: Identity, exercise: Exercise) -> None:
    failed = _given_up(database, vault, exercise)
    with database.transaction() as session:
        service.process_again(session, officer, vault, failed.id)
    with database.transaction() as session, pytest.raises(NotAgain):
        service.process_again(session, officer, vault, failed.id)


def test_what_was_handed_over_again_meanwhile_is_named(
    database: Database, vault: Vault, officer: Identity, exercise: Exercise
) -> None:
    failed = _given_up(database, vault, exercise)
    with database.transaction() as session:
        newer = make_recording(session, vault, exercise=exercise)
    with database.transaction() as session, pytest.raises(NotAgain, match=str(newer.id)):
        service.process_again(session, officer, vault, failed.id)


def test_an_original_that_is_gone_is_said_to_be(
    database: Database, vault: Vault, officer: Identity, exercise: Exercise
) -> None:
    failed = _given_up(database, vault, exercise)
    vault.delete(failed.blob_key)
    with database.transaction() as session, pytest.raises(NotAgain, match="original"):
        service.process_again(session, officer, vault, failed.id)


def test_the_parts_of_a_joined_one_are_joined_again_instead(
    database: Database, vault: Vault, officer: Identity, exercise: Exercise
) -> None:
    failed = _given_up(database, vault, exercise)
    with database.transaction() as session:
        session.get_one(Recording, failed.id).upload_id = None
    with database.transaction() as session, pytest.raises(NotAgain, match="join them again"):
        service.process_again(session, officer, vault, failed.id)
