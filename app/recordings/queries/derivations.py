"""How is found what was asked for, and is made, of recordings."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from app.recordings.models import (
    Derivation,
)


def derivations_of(
    *, recording_id: UUID | None = None, exercise_id: UUID | None = None
) -> Select[Derivation]:
    """What was asked for of a recording, or of an exercise's."""
    query = select(Derivation)
    if recording_id is not None:
        query = query.where(Derivation.recording_id == recording_id)
    return query if exercise_id is None else query.where(Derivation.exercise_id == exercise_id)


def open_derivation(session: Session, recording_id: UUID, kind: str) -> Derivation | None:
    """What of that kind is being made of a recording."""
    query = derivations_of(recording_id=recording_id)
    return session.scalars(query.where(Derivation.kind == kind, Derivation.state == "open")).first()


def made_of_it(session: Session, recording_id: UUID, kind: str) -> int:
    """How many of that kind were made of a recording."""
    query = derivations_of(recording_id=recording_id).where(
        Derivation.kind == kind, Derivation.state == "done"
    )
    return int(session.scalar(select(func.count()).select_from(query.subquery())) or 0)


def open_derivations(session: Session) -> list[Derivation]:
    """Everything that is being made."""
    return list(session.scalars(derivations_of().where(Derivation.state == "open").order_by(Derivation.id)))


def locked_derivation(session: Session, derivation_id: UUID) -> Derivation | None:
    """The request, held until the transaction ends."""
    return session.get(Derivation, derivation_id, with_for_update=True, populate_existing=True)


def joins_of(session: Session, exercise_id: UUID, limit: int) -> list[Derivation]:
    """The newest joins asked for in an exercise, newest first."""
    query = derivations_of(exercise_id=exercise_id).where(Derivation.kind == "join")
    return list(session.scalars(query.order_by(Derivation.id.desc()).limit(limit)))


def ids_being_joined(session: Session, exercise_id: UUID) -> set[UUID]:
    """The recordings of an exercise that some open join names."""
    query = derivations_of(exercise_id=exercise_id).where(
        Derivation.kind == "join", Derivation.state == "open"
    )
    return {UUID(one) for row in session.scalars(query) for one in row.parameters["parts"]}


def is_being_made(session: Session, id_: UUID) -> bool:
    """True while a join that will have this id, or something of the recording of this id, is being made."""
    concerned = (Derivation.id == id_) | (Derivation.recording_id == id_)
    return (
        session.scalar(select(Derivation.id).where(concerned, Derivation.state == "open").limit(1))
        is not None
    )
