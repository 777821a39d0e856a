"""How redactions are found."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session, lazyload

from app.recordings.models import Clip, RecordingPart
from app.redaction.models import RedactedClip, Redaction

RENDERING = ("approved", "rendering")


def newest(session: Session, recording_id: UUID) -> Redaction | None:
    """The redaction that counts for a recording; None where there is none."""
    query = select(Redaction).where(Redaction.recording_id == recording_id)
    return session.scalars(query.order_by(Redaction.number.desc()).limit(1)).first()


def newest_of(session: Session, recording_ids: Collection[UUID]) -> dict[UUID, Redaction]:
    """The redaction that counts for each of those recordings that have one."""
    query = select(Redaction).where(Redaction.recording_id.in_(recording_ids))
    newest_first = query.ext(distinct_on(Redaction.recording_id)).order_by(
        Redaction.recording_id, Redaction.number.desc()
    )
    # not their regions: thousands each, and nobody asks here
    found = session.scalars(newest_first.options(lazyload(Redaction.regions)))
    return {one.recording_id: one for one in found}


def parts_of(session: Session, recording_ids: Collection[UUID]) -> list[tuple[UUID, UUID]]:
    """(joined recording, part) of those recordings that were joined from others."""
    query = select(RecordingPart.joined_id, RecordingPart.part_id)
    rows = session.execute(query.where(RecordingPart.joined_id.in_(recording_ids)))
    return [(joined, part) for joined, part in rows]


def redacted_clips(session: Session, redaction_ids: Collection[UUID]) -> dict[UUID, RedactedClip]:
    """The clips cut from those redactions' masters, by clip."""
    query = select(RedactedClip).where(RedactedClip.redaction_id.in_(redaction_ids))
    return {one.clip_id: one for one in session.scalars(query)}


def clips_to_cut(session: Session, recording_id: UUID) -> list[Clip]:
    """The recording's clips in order, of every set: labels and versions may name any."""
    query = select(Clip).where(Clip.recording_id == recording_id)
    return list(session.scalars(query.order_by(Clip.clip_set, Clip.ordinal)))


def unfinished(session: Session) -> list[Redaction]:
    """Every redaction that waits for its rendering or is in it."""
    query = select(Redaction).where(Redaction.state.in_(RENDERING)).order_by(Redaction.id)
    return list(session.scalars(query.options(lazyload(Redaction.regions))))


def blob_keys(session: Session, redaction_id: UUID) -> set[str]:
    """Every object that a redaction's rows name."""
    master = session.scalars(
        select(Redaction.blob_key).where(Redaction.id == redaction_id, Redaction.blob_key.is_not(None))
    )
    clips = session.scalars(select(RedactedClip.blob_key).where(RedactedClip.redaction_id == redaction_id))
    return {key for key in master if key} | set(clips)
