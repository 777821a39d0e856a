"""What an exercise must say before anything of it is released; for features that compose and publish."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from app.exercises import queries
from app.exercises.models import Exercise

NEEDED: Final = ("lawful_basis", "consent_record")


def missing_for_release(exercise: Exercise) -> list[str]:
    """The facts without which nothing of the exercise can be released: `lawful_basis`, `consent_record`."""
    return [name for name in NEEDED if not (getattr(exercise, name) or "").strip()]


def reasons_against_release(session: Session, exercise_ids: Collection[UUID]) -> list[str]:
    """What stands against releasing footage of these exercises, in sentences. While the transaction lasts nobody can
    take back what they say."""
    return [
        f"exercise “{exercise.title}” has no {name.replace('_', ' ')}"
        for exercise in queries.held(session, exercise_ids)
        for name in missing_for_release(exercise)
    ]
