from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import select

from app.audit.models import AuditEvent
from app.core.db import Database
from app.core.errors import Forbidden, InvalidRequest, NotFound, StaleVersion
from app.core.identity import Identity, Role
from app.core.ids import new_id
from app.exercises import service
from app.exercises.service import ExerciseClosed
from tests.factories.accounts import make_identity
from tests.factories.exercises import EXERCISE


@pytest.fixture
def officer(database: Database) -> Identity:
    with database.transaction() as session:
        return make_identity(session, Role.DATA_OFFICER)


def test_an_officer_creates_and_finds_an_exercise(database: Database, officer: Identity) -> None:
    with database.transaction() as session:
        made = service.create_exercise(session, officer, **EXERCISE)
    with database.transaction() as session:
        assert service.get_exercise(session, officer, made.id).title == "Night exercise"
        assert [one.id for one in service.list_exercises(session, officer).items] == [made.id]
        events = session.scalars(select(AuditEvent).where(AuditEvent.subject_id == made.id)).all()
    assert [event.tag for event in events] == ["exercise:create"]
    assert events[0].actor_id == officer.id


def test_another_force_sees_nothing_and_an_auditor_everything(database: Database, officer: Identity) -> None:
    with database.transaction() as session:
        made = service.create_exercise(session, officer, **EXERCISE)
        stranger = make_identity(session, Role.DATA_OFFICER)
        auditor = make_identity(session, Role.AUDITOR)
    with database.transaction() as session:
        assert service.list_exercises(session, stranger).items == []
        with pytest.raises(NotFound):
            service.get_exercise(session, stranger, made.id)
        with pytest.raises(NotFound):
            service.close_exercise(session, stranger, made.id)
        with pytest.raises(NotFound):
            service.open_exercise(session, stranger, made.id)
        assert [one.id for one in service.list_exercises(session, auditor).items] == [made.id]


def test_only_a_force_creates_exercises(database: Database) -> None:
    with database.transaction() as session:
        operator = make_identity(session, Role.ADMINISTRATOR, Role.DATA_OFFICER)
        with pytest.raises(Forbidden):
            service.create_exercise(session, operator, **EXERCISE)


def test_a_change_needs_the_version_that_was_read(database: Database, officer: Identity) -> None:
    with database.transaction() as session:
        made = service.create_exercise(session, officer, **EXERCISE)
    with database.transaction() as session:
        changed = service.update_exercise(session, officer, made.id, version=1, changes={"title": "Day"})
        assert (changed.title, changed.version) == ("Day", 2)
    with database.transaction() as session, pytest.raises(StaleVersion):
        service.update_exercise(session, officer, made.id, version=1, changes={"title": "Dusk"})


def test_the_log_tells_what_was_there_before(database: Database, officer: Identity) -> None:
    with database.transaction() as session:
        made = service.create_exercise(session, officer, **EXERCISE | {"consent_record": "CR-7"})
    changes = {
        "consent_record": "CR-8",
        "lawful_basis": "Consent",
        "held_on": date(2026, 3, 15),
        "weapons": ["blank_fire", "airsoft"],
        "title": made.title,
    }
    with database.transaction() as session:
        service.update_exercise(session, officer, made.id, version=1, changes=changes)
        service.update_exercise(session, officer, made.id, version=2, changes={"lawful_basis": None})
        tag = AuditEvent.tag == "exercise:update"
        said = session.scalars(select(AuditEvent.details).where(tag).order_by(AuditEvent.id)).all()
    assert said == [
        {
            "changed": {
                "consent_record": ["CR-7", "CR-8"],
                "held_on": ["2026-03-14", "2026-03-15"],
                "lawful_basis": [None, "Consent"],
                "weapons": ["blank_fire", "blank_fire, airsoft"],
            }
        },
        {"changed": {"lawful_basis": ["Consent", None]}},
    ]


@pytest.mark.parametrize(
    "changes",
    [{"venue": "moon"}, {"weapons": ["sword"]}, {"weapons": []}, {"state": "closed"}, {"organisation_id": 1}],
)
def test_words_outside_the_vocabulary_are_refused(
    database: Database, officer: Identity, changes: dict[str, object]
) -> None:
    with database.transaction() as session:
        made = service.create_exercise(session, officer, **EXERCISE)
    with database.transaction() as session, pytest.raises(InvalidRequest):
        service.update_exercise(session, officer, made.id, version=1, changes=changes)


def test_a_closed_exercise_takes_nothing_more(database: Database, officer: Identity) -> None:
    with database.transaction() as session:
        made = service.create_exercise(session, officer, **EXERCISE)
    with database.transaction() as session:
        closed = service.close_exercise(session, officer, made.id)
        assert closed.state == "closed"
        assert closed.closed_at is not None
    for act in (
        lambda s: service.close_exercise(s, officer, made.id),
        lambda s: service.open_exercise(s, officer, made.id),
        lambda s: service.update_exercise(
            s, officer, made.id, version=2, changes={"held_on": date(2026, 1, 2)}
        ),
    ):
        with database.transaction() as session, pytest.raises(ExerciseClosed):
            act(session)


def test_an_unknown_exercise_is_not_found(database: Database, officer: Identity) -> None:
    with database.transaction() as session, pytest.raises(NotFound):
        service.get_exercise(session, officer, new_id())


def test_a_closed_exercise_is_opened_again_and_the_log_knows(database: Database, officer: Identity) -> None:
    with database.transaction() as session:
        made = service.create_exercise(session, officer, **EXERCISE)
        with pytest.raises(service.ExerciseOpen):
            service.reopen_exercise(session, officer, made.id)
        service.close_exercise(session, officer, made.id)
    with database.transaction() as session:
        stranger = make_identity(session, Role.DATA_OFFICER)
        with pytest.raises(NotFound):
            service.reopen_exercise(session, stranger, made.id)
        again = service.reopen_exercise(session, officer, made.id)
        assert (again.state, again.closed_at) == ("open", None)
        assert service.open_exercise(session, officer, made.id).id == made.id
        tags = session.scalars(select(AuditEvent.tag).where(AuditEvent.subject_id == made.id)).all()
    assert "exercise:reopen" in tags


def test_exercises_are_found_by_words_and_state(database: Database, officer: Identity) -> None:
    with database.transaction() as session:
        school = service.create_exercise(session, officer, **EXERCISE)
        station = service.create_exercise(
            session, officer, **EXERCISE | {"title": "Station drill", "scenario": "x"}
        )
        service.close_exercise(session, officer, station.id)
    with database.transaction() as session:

        def found(**asked: str) -> list[object]:
            return [one.id for one in service.list_exercises(session, officer, **asked).items]  # type: ignore[arg-type]

        assert found(text="NIGHT school") == [school.id]
        assert found(text="drill") == [station.id]
        assert found(text="night drill") == []
        assert found(state="closed") == [station.id]


def test_what_is_missing_for_a_release_is_told(database: Database, officer: Identity) -> None:
    with database.transaction() as session:
        made = service.create_exercise(session, officer, **EXERCISE | {"lawful_basis": "Consent"})
        assert service.missing_for_release(made) == ["consent_record"]
