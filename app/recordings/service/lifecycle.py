"""Recordings as their force sees them: listed, looked up, cancelled, withdrawn."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from app.audit import service as audit
from app.audit.events import Tag
from app.authz.permission_map import permits
from app.authz.permissions import Permission
from app.authz.predicates import require, require_same_organisation, sees_every_organisation
from app.core.errors import Hidden, NotFound
from app.core.identity import SYSTEM, Identity
from app.core.pagination import Page, paginate
from app.jobs import cancel as cancel_job
from app.jobs import cancel_about
from app.recordings import queries
from app.recordings.models import Clip, Recording
from app.recordings.service.errors import AlreadyWithdrawn, NotProcessing, Quarantined
from app.recordings.service.parts import PartOf, free_parts, lock_whole, parts_of, whole_of
from app.recordings.service.progressing import IngestProgress, progress
from app.recordings.service.steps import forget_steps
from app.recordings.service.telling import SuggestedDetails, told_by

FAILED = "processing_failed"  # the service's own failure, not the file's


@dataclass(frozen=True, slots=True)
class Overview:
    """A recording with what is known beside it; `progress` only while it is processed. `clips` counts those of the
    set that counts; `parts` is what it was joined from, in order;
    `suggested` is for the force's officers alone."""

    recording: Recording
    clips: int
    renditions: list[str]
    progress: IngestProgress | None
    parts: list[PartOf]
    suggested: SuggestedDetails | None


def list_recordings(
    session: Session,
    identity: Identity,
    *,
    exercise_id: UUID | None = None,
    state: str | None = None,
    text: str | None = None,
    since: date | None = None,
    until: date | None = None,
    cursor: str | None = None,
    limit: int = 50,
) -> Page[Recording]:
    """The recordings that the actor may know of, newest first, as far as `queries.recordings_of` is asked for them."""
    require(identity, Permission.RECORDING_READ)
    everything = sees_every_organisation(identity)
    if not everything and identity.organisation_id is None:
        return Page([], None)
    owner = None if everything else identity.organisation_id
    query = queries.recordings_of(
        owner, exercise_id=exercise_id, state=state, text=text, since=since, until=until
    )
    if everything:
        query = query.where(Recording.state != "quarantined")
    return paginate(session, query.options(*queries.BRIEF), Recording.id, cursor=cursor, limit=limit)


def made_of(session: Session, identity: Identity, upload_ids: Collection[UUID]) -> dict[UUID, Recording]:
    """The recordings that the force's uploads became, by the id that both have. Others are left out."""
    require(identity, Permission.RECORDING_READ)
    found = queries.by_ids(session, upload_ids)
    return {key: one for key, one in found.items() if one.organisation_id == identity.organisation_id}


def joined_of(session: Session, identity: Identity, exercise_id: UUID) -> list[Recording]:
    """The recordings of the force's exercise that were joined from others, and so became of no upload; newest first."""
    require(identity, Permission.RECORDING_READ)
    return queries.joined_of(session, identity.organisation_id, exercise_id)


def find(
    session: Session, identity: Identity, recording_id: UUID, permission: Permission, *, lock: bool = False
) -> Recording:
    """The recording, for one who holds `permission` there; a quarantined one is for its own force alone.

    Raises Forbidden, NotFound.
    """
    require(identity, permission)
    locking = {"of": Recording} if lock else None
    recording = session.get(Recording, recording_id, with_for_update=locking, populate_existing=lock)
    if recording is None:
        raise NotFound
    require_shown(identity, recording)
    return recording


def require_shown(identity: Identity, recording: Recording) -> None:
    """Raises NotFound where another force's recording is asked for, or a quarantined one by whoever is not of its
    force."""
    require_same_organisation(identity, recording.organisation_id)
    if recording.state == "quarantined" and identity.organisation_id != recording.organisation_id:
        raise Hidden


def get_overview(session: Session, identity: Identity, recording_id: UUID) -> Overview:
    """One recording: state, reason, facts, progress. Raises NotFound."""
    recording = find(session, identity, recording_id, Permission.RECORDING_READ)
    return Overview(
        recording=recording,
        clips=queries.clip_count(session, recording),
        renditions=queries.rendition_kinds(session, recording_id),
        progress=progress(session, recording),
        parts=parts_of(session, recording),
        suggested=told_by(recording) if permits(identity, Permission.RECORDING_DERIVE) else None,
    )


def list_clips(
    session: Session, identity: Identity, recording_id: UUID, *, cursor: str | None = None, limit: int = 50
) -> Page[Clip]:
    """The clips of one recording, of the set that counts, last first."""
    recording = find(session, identity, recording_id, Permission.RECORDING_READ)
    return paginate(session, queries.clips_of(recording), Clip.id, cursor=cursor, limit=limit)


def withdraw(session: Session, identity: Identity, recording_id: UUID, *, reason: str) -> Recording:
    """Takes a recording out of use, for a reason that is kept: nobody views, composes or freezes it from here on.

    A joined recording takes its parts with it. A part takes the joined one with it, whose other parts count for
    themselves again.
    """
    lock_whole(session, recording_id)
    recording = find(session, identity, recording_id, Permission.RECORDING_WITHDRAW, lock=True)
    whole = whole_of(session, recording)
    if recording.state in ("withdrawn", "erased"):
        raise AlreadyWithdrawn
    if recording.state == "quarantined":
        raise Quarantined
    held = queries.parts_held(session, recording.id)
    for one in (recording, *held):
        _withdraw(session, identity, one, reason)
    if whole is not None and whole.state in ("processing", "ready"):
        withdraw_joined(session, identity, whole, reason)
    return recording


def withdraw_joined(session: Session, identity: Identity, joined: Recording, reason: str) -> None:
    """Takes a joined recording out of use because of one of its parts; those that are left count for themselves again.
    The caller holds it."""
    _withdraw(session, identity, joined, reason)
    free_parts(session, joined)


def _withdraw(session: Session, identity: Identity, recording: Recording, reason: str) -> None:
    stop_work(session, recording)
    recording.state, recording.reason_code, recording.reason = "withdrawn", "withdrawn_by_force", reason
    session.flush()
    note(session, identity, Tag.RECORDING_WITHDRAWN, recording, {"reason": reason})


def cancel(session: Session, identity: Identity, recording_id: UUID) -> Recording:
    """Stops the processing of a recording. Its job, if it runs, finds that its attempt no longer counts."""
    recording = find(session, identity, recording_id, Permission.UPLOAD_WRITE, lock=True)
    if recording.state != "processing":
        raise NotProcessing
    stop_work(session, recording)
    reject(session, recording, "cancelled", "Processing was stopped by the force", identity=identity)
    return recording


def stop_work(session: Session, recording: Recording) -> None:
    """Cancels every job that works on a recording; the caller, which holds its lock, then changes its state."""
    if recording.state == "processing":
        forget_steps(session, recording.id)
        if recording.job_id is not None:
            cancel_job(session, recording.job_id)
    for subject in ("redaction", "derivation"):  # by name: that feature stands above this one
        cancel_about(session, subject, recording.id)


def reject(
    session: Session, recording: Recording, code: str, reason: str, *, identity: Identity = SYSTEM
) -> None:
    """Ends the processing for a stated reason, in a sentence that a person understands."""
    forget_steps(session, recording.id)
    recording.state, recording.reason_code, recording.reason = "rejected", code, reason
    free_parts(session, recording)
    note(session, identity, Tag.RECORDING_REJECTED, recording, {"reason": code})


def refuse(session: Session, recording_id: UUID, code: str, reason: str) -> None:
    """Records that the file itself cannot be taken in, unless the processing has ended already."""
    recording = queries.locked(session, recording_id)
    if recording is not None and recording.state == "processing":
        reject(session, recording, code, reason)


def note(
    session: Session, identity: Identity, tag: Tag, recording: Recording, details: dict[str, Any]
) -> None:
    """Appends to the log what happened to a recording."""
    audit.append(
        session,
        identity,
        tag,
        subject=("recording", recording.id),
        details=details,
        organisation_id=recording.organisation_id,
    )
