"""How exercises are found."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from app.core.search import holds_words
from app.exercises.models import Exercise


def exercises_of(
    organisation_id: UUID | None, *, text: str | None = None, state: str | None = None
) -> Select[Exercise]:
    """Exercises of one force, or of all when `organisation_id` is None; `text` is looked for in title and scenario."""
    query = select(Exercise)
    if organisation_id is not None:
        query = query.where(Exercise.organisation_id == organisation_id)
    if state is not None:
        query = query.where(Exercise.state == state)
    return query.where(*holds_words(Exercise.search_text, text))


def titles_of(session: Session, organisation_id: UUID | None, *, limit: int) -> list[tuple[UUID, str]]:
    """Id and title of the newest exercises of one force, or of all when `organisation_id` is None."""
    query = select(Exercise.id, Exercise.title).order_by(Exercise.id.desc()).limit(limit)
    if organisation_id is not None:
        query = query.where(Exercise.organisation_id == organisation_id)
    return [(row.id, row.title) for row in session.execute(query)]


def held(session: Session, ids: Collection[UUID]) -> list[Exercise]:
    """Those exercises as they stand, kept from being changed until the transaction ends; to be asked for before any of
    their recordings is held."""
    query = select(Exercise).where(Exercise.id.in_(list(ids))).order_by(Exercise.id)
    kept = query.with_for_update(read=True, of=Exercise).execution_options(populate_existing=True)
    return list(session.scalars(kept))
