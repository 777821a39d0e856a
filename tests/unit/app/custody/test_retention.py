"""Retention: due by the exercise's category, said once, decided by its force."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import update

from app.core.clock import now
from app.core.errors import InvalidRequest
from app.custody import service
from app.custody.schedule import YEARS, review_due
from app.custody.service.errors import NotDue, OnHold
from app.exercises.models import Exercise
from app.exercises.vocabulary import RETENTION_CATEGORIES
from tests.unit.app.custody.conftest import Force


def test_every_category_has_its_years() -> None:
    assert YEARS.keys() == RETENTION_CATEGORIES.keys()
    assert review_due(date(2024, 2, 29), "training_1y") == date(2025, 2, 28)
    assert review_due(date(2026, 3, 14), "training_6y") == date(2032, 3, 14)
    assert review_due(date(9999, 2, 28), "training_6y") == date.max


def make_due(force: Force) -> int:
    with force.database.transaction() as session:
        session.execute(update(Exercise).values(held_on=date(2024, 2, 29), retention_category="training_1y"))
    return service.mark_due(force.database, date(2025, 2, 28))


def test_a_day_that_no_calendar_reaches_breaks_nothing(force: Force) -> None:
    """As stored before such days were refused."""
    with force.database.transaction() as session:
        session.execute(update(Exercise).values(held_on=date(9999, 12, 31), retention_category="training_6y"))
    assert service.mark_due(force.database, now().date()) == 0
    with force.database.transaction() as session:
        assert service.standing(session, force.first, force.recording_id).due_on == date.max


def test_what_is_due_is_said_once(force: Force) -> None:
    assert service.mark_due(force.database, date(2031, 12, 31)) == 0
    assert (make_due(force), make_due(force)) == (1, 0)
    with force.database.transaction() as session:
        assert [one.due_on for one in service.list_due(session, force.first).items] == [date(2025, 2, 28)]
    assert force.tags() == ["retention:due"]


def test_it_is_kept_extended_or_erased(force: Force) -> None:
    today = now().date()
    with force.database.transaction() as session, pytest.raises(NotDue):
        service.decide_retention(session, force.first, force.recording_id, decision="keep", reason="no")
    make_due(force)
    with force.database.transaction() as session:
        until = service.decide_retention(
            session, force.first, force.recording_id, decision="keep", reason="Still taught"
        ).keep_until
    assert until is not None
    assert until.year == today.year + 1
    assert service.mark_due(force.database, today) == 0
    assert service.mark_due(force.database, until) == 1
    with force.database.transaction() as session:
        with pytest.raises(InvalidRequest, match="until"):
            service.decide_retention(
                session, force.first, force.recording_id, decision="extend", reason="x", until=today
            )
        later = date(today.year + 2, 1, 1)
        service.decide_retention(
            session, force.first, force.recording_id, decision="extend", reason="Trial", until=later
        )
    assert service.mark_due(force.database, later) == 1
    with force.database.transaction() as session:
        service.place_hold(session, force.first, force.recording_id, reason="Inquiry")
        with pytest.raises(OnHold):
            service.decide_retention(session, force.first, force.recording_id, decision="erase", reason="Old")
        service.lift_hold(session, force.first, force.recording_id, reason="Over")
    with force.database.transaction() as session:
        service.decide_retention(session, force.first, force.recording_id, decision="erase", reason="Old")
        asked = service.standing(session, force.second, force.recording_id).erasure
    assert asked is not None
    assert (force.state(), asked.ground, asked.state) == ("withdrawn", "retention", "requested")
