"""How exercises are found."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import Select, select

from app.exercises.models import Exercise


def exercises_of(organisation_id: UUID | None) -> Select[Exercise]:
    """Exercises of one force, or of all when `organisation_id` is None."""
    query = select(Exercise)
    return query if organisation_id is None else query.where(Exercise.organisation_id == organisation_id)
