"""Recordings that are parts of a joined one: while it stands for them, they are labelled and released as it alone.

Whether a recording is a part decides whether its clips count. Annotation, which stands above, is told by the name of
its job, in the transaction that changes it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.orm import Session

from app.jobs import defer
from app.recordings import queries
from app.recordings.models import Recording, RecordingPart


@dataclass(frozen=True, slots=True)
class PartOf:
    """A part of a joined recording, and which of that one's frames are its."""

    part: Recording
    start_frame: int
    end_frame: int


def stand_for(session: Session, joined: Recording, parts: Sequence[PartOf]) -> None:
    """Makes a joined recording stand for its parts, in their order. The caller holds their rows."""
    for ordinal, one in enumerate(parts):
        session.add(
            RecordingPart(
                joined_id=joined.id,
                part_id=one.part.id,
                ordinal=ordinal,
                start_frame=one.start_frame,
                end_frame=one.end_frame,
            )
        )
        one.part.part_of_id = joined.id
        defer(session, "annotation.open_tasks", recording_id=one.part.id)


def free_parts(session: Session, joined: Recording) -> list[Recording]:
    """Lets the parts of a joined recording that came to nothing count for themselves again; returns them."""
    freed = queries.parts_held(session, joined.id)
    for part in freed:
        part.part_of_id = None
        defer(session, "annotation.open_tasks", recording_id=part.id)
    session.flush()
    return freed


def lock_whole(session: Session, recording_id: UUID) -> None:
    """Holds what was joined from a recording, or from its parts, until the transaction ends; to be done before the
    recording itself and its parts are held."""
    queries.hold_joined(session, recording_id)


def whole_of(session: Session, part: Recording) -> Recording | None:
    """The joined recording that stands for this one, which the caller holds; held too. One that was joined while the
    caller waited is found here alone."""
    return queries.locked(session, part.part_of_id) if part.part_of_id is not None else None


def parts_of(session: Session, recording: Recording) -> list[PartOf]:
    """What a joined recording was joined from, in order; nothing for any other."""
    return [
        PartOf(part, row.start_frame, row.end_frame) for row, part in queries.parts_of(session, recording.id)
    ]
