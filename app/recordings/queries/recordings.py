"""How recordings are found."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

from sqlalchemy import Select, delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, defer, joinedload, lazyload, load_only

from app.core.search import holds_words
from app.exercises.models import Exercise
from app.recordings.models import (
    Clip,
    Recording,
    RecordingView,
    Rendition,
)

# For lists: without what may be long, and of the exercise its title alone.
BRIEF = (
    defer(Recording.report),
    defer(Recording.suggestion),
    joinedload(Recording.exercise).options(load_only(Exercise.title), lazyload(Exercise.organisation)),
)


# The order in which recordings are held. What was joined came of no upload.
WHOLES_FIRST = (Recording.upload_id.is_not(None), Recording.id)
# Of the same bytes one at most is in use; others may be in quarantine.
IN_USE_FIRST = (Recording.state == "quarantined", Recording.id)


def recordings_of(
    organisation_id: UUID | None,
    *,
    exercise_id: UUID | None = None,
    state: str | None = None,
    text: str | None = None,
    since: date | None = None,
    until: date | None = None,
) -> Select[Recording]:
    """Recordings of one force, or of all when `organisation_id` is None.

    Every word of `text` is in the file's name, the reference, the camera or the notes; `since` and `until` are days of
    receipt (UTC), both included.
    """
    query = select(Recording)
    if organisation_id is not None:
        query = query.where(Recording.organisation_id == organisation_id)
    if exercise_id is not None:
        query = query.where(Recording.exercise_id == exercise_id)
    if state is not None:
        query = query.where(Recording.state == state)
    if since is not None:
        query = query.where(Recording.received_at >= _begins(since))
    if until is not None and until < date.max:
        query = query.where(Recording.received_at < _begins(until) + timedelta(days=1))
    return query.where(*holds_words(Recording.search_text, text))


def _begins(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def same_files(session: Session, organisation_id: UUID, digests: Collection[bytes]) -> dict[bytes, UUID]:
    """Of those SHA-256, the force's own live recordings that have them: {digest: recording's id}. Where one in
    quarantine has the same bytes as one in use, the latter."""
    query = select(Recording.sha256, Recording.id).where(
        Recording.organisation_id == organisation_id,
        Recording.sha256.in_(list(digests)),
        Recording.state.in_(("processing", "ready", "quarantined")),
    )
    rows = session.execute(query.order_by(*IN_USE_FIRST)).all()
    return {row.sha256: row.id for row in reversed(rows)}  # the last of a digest counts


def same_lengths(session: Session, organisation_id: UUID, lengths: Collection[int]) -> set[int]:
    """Those of the lengths, in bytes, that the force's own live recordings have."""
    query = select(Recording.size).where(
        Recording.organisation_id == organisation_id,
        Recording.size.in_(list(lengths)),
        Recording.state.in_(("processing", "ready", "quarantined")),
    )
    return set(session.scalars(query))


def locked_many(session: Session, ids: Collection[UUID]) -> list[Recording]:
    """Those of the recordings that are there, held until the transaction ends; in one order, so that nobody waits in a
    ring: what was joined before its parts, as everywhere."""
    query = select(Recording).where(Recording.id.in_(list(ids))).order_by(*WHOLES_FIRST)
    held = query.with_for_update(of=Recording).execution_options(populate_existing=True)
    return list(session.scalars(held))


def by_ids(session: Session, ids: Collection[UUID]) -> dict[UUID, Recording]:
    """Those of the recordings that are there, by their ids; their reports are left where they are."""
    query = select(Recording).where(Recording.id.in_(list(ids))).options(defer(Recording.report))
    return {row.id: row for row in session.scalars(query)}


def ids_of_exercise(
    session: Session, exercise_id: UUID, *, without: Collection[str], limit: int
) -> list[UUID]:
    """The newest recordings of an exercise that are in none of the states `without`."""
    query = select(Recording.id).where(Recording.exercise_id == exercise_id, Recording.state.not_in(without))
    return list(session.scalars(query.order_by(Recording.id.desc()).limit(limit)))


def same_file(session: Session, organisation_id: UUID, sha256: bytes) -> Recording | None:
    """The force's own live recording of the very same bytes: the one in use, or else one in quarantine."""
    query = recordings_of(organisation_id).where(
        Recording.sha256 == sha256, Recording.state.in_(("processing", "ready", "quarantined"))
    )
    return session.scalars(query.order_by(*IN_USE_FIRST).limit(1)).first()


def rendition(session: Session, recording_id: UUID, kind: str) -> Rendition | None:
    """One rendition of a recording."""
    query = select(Rendition).where(Rendition.recording_id == recording_id, Rendition.kind == kind)
    return session.scalars(query).first()


def rendition_kinds(session: Session, recording_id: UUID) -> list[str]:
    """The kinds that a recording has."""
    query = select(Rendition.kind).where(Rendition.recording_id == recording_id)
    return list(session.scalars(query.order_by(Rendition.kind)))


def clips_of(recording: Recording) -> Select[Clip]:
    """The clips of a recording, of the set that counts."""
    return select(Clip).where(Clip.recording_id == recording.id, Clip.clip_set == recording.clip_set)


def clip_count(session: Session, recording: Recording) -> int:
    """How many clips the set that counts has."""
    return int(session.scalar(select(func.count()).select_from(clips_of(recording).subquery())) or 0)


def blob_keys(session: Session, recording_id: UUID) -> set[str]:
    """Every object that the recording's rows name."""
    keys = set(session.scalars(select(Recording.blob_key).where(Recording.id == recording_id)))
    keys |= set(session.scalars(select(Rendition.blob_key).where(Rendition.recording_id == recording_id)))
    return keys | set(session.scalars(select(Clip.blob_key).where(Clip.recording_id == recording_id)))


def locked(session: Session, recording_id: UUID) -> Recording | None:
    """The recording, held until the transaction ends."""
    return session.get(Recording, recording_id, with_for_update={"of": Recording}, populate_existing=True)


def processing(session: Session, before: datetime, limit: int = 200) -> list[Recording]:
    """Recordings still in processing that arrived before that time."""
    query = recordings_of(None, state="processing").where(Recording.received_at < before)
    return list(session.scalars(query.order_by(Recording.id).limit(limit)))


def note_view(session: Session, actor_id: UUID, recording_id: UUID, what: str, window: datetime) -> bool:
    """True for the first view of this in the window, whoever asks at the same time."""
    statement = insert(RecordingView).values(
        actor_id=actor_id, recording_id=recording_id, what=what, window_start=window
    )
    first = statement.on_conflict_do_nothing().returning(RecordingView.id)
    return session.execute(first).first() is not None


def forget_views(session: Session, before: datetime) -> None:
    """Removes what `note_view` no longer needs; the log keeps the fact."""
    session.execute(delete(RecordingView).where(RecordingView.window_start < before))
