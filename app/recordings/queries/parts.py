"""How are found the parts of joined recordings, and what holds the same footage."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import CompoundSelect, or_, select
from sqlalchemy.orm import Session

from app.recordings.models import (
    Recording,
    RecordingPart,
)
from app.recordings.queries.recordings import BRIEF, WHOLES_FIRST


def parts_of(session: Session, joined_id: UUID) -> list[tuple[RecordingPart, Recording]]:
    """What a recording was joined from, in order."""
    query = select(RecordingPart, Recording).join(Recording, Recording.id == RecordingPart.part_id)
    rows = session.execute(query.where(RecordingPart.joined_id == joined_id).order_by(RecordingPart.ordinal))
    return [(row, part) for row, part in rows]


def parts_held(session: Session, joined_id: UUID) -> list[Recording]:
    """The parts that a joined recording stands for now, held until the transaction ends."""
    query = select(Recording).where(Recording.part_of_id == joined_id).order_by(Recording.id)
    return list(session.scalars(query.with_for_update(of=Recording)))


def _joined_of(recording_id: UUID) -> CompoundSelect[UUID]:
    """The ids of what was joined from a recording, or again from its parts."""
    parts = select(RecordingPart.part_id).where(RecordingPart.joined_id == recording_id)
    joined = select(RecordingPart.joined_id)
    return joined.where(RecordingPart.part_id == recording_id).union(
        joined.where(RecordingPart.part_id.in_(parts))
    )


def hold_joined(session: Session, recording_id: UUID) -> None:
    """Holds what was joined from a recording or from its parts, itself among it, until the transaction ends."""
    query = select(Recording.id).where(Recording.id.in_(_joined_of(recording_id))).order_by(Recording.id)
    session.execute(query.with_for_update(of=Recording))


def same_footage(session: Session, recording_id: UUID) -> list[Recording]:
    """What was joined from this recording, or what it was joined from, and what that was joined into again: the others
    that hold its footage, held until the transaction ends. Other parts of the same whole are not among them."""
    parts = select(RecordingPart.part_id).where(RecordingPart.joined_id == recording_id)
    shared = or_(Recording.id.in_(_joined_of(recording_id)), Recording.id.in_(parts))
    query = select(Recording).where(shared, Recording.id != recording_id).order_by(*WHOLES_FIRST)
    return list(
        session.scalars(query.with_for_update(of=Recording).execution_options(populate_existing=True))
    )


def joined_of(
    session: Session, organisation_id: UUID | None, exercise_id: UUID, limit: int = 100
) -> list[Recording]:
    """Recordings of an exercise that came from no upload, newest first."""
    query = select(Recording).where(
        Recording.exercise_id == exercise_id,
        Recording.organisation_id == organisation_id,
        Recording.upload_id.is_(None),
    )
    return list(session.scalars(query.options(*BRIEF).order_by(Recording.id.desc()).limit(limit)))
