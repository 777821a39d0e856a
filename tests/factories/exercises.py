"""Exercises as rows, for tests of everything above them."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from app.exercises.models import Exercise
from tests.factories.accounts import make_organisation

EXERCISE: dict[str, Any] = {
    "title": "Night exercise",
    "held_on": date(2026, 3, 14),
    "venue": "indoor",
    "scenario": "Two officers search a disused school.",
    "weapons": ["blank_fire"],
    "lighting": "low_light",
    "retention_category": "training_6y",
}


def make_exercise(session: Session, *, organisation_id: UUID | None = None, **values: Any) -> Exercise:
    """An open exercise, of a new force unless told."""
    owner = organisation_id or make_organisation(session).id
    row = Exercise(organisation_id=owner, **EXERCISE | values)
    session.add(row)
    session.flush()
    return row
