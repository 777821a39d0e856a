"""Recordings as their force sees them: listed, looked up, cancelled, withdrawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from app.audit import service as audit
from app.audit.events import Tag
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
from app.recordings.service.progressing import IngestProgress, progress
from app.recordings.service.steps import forget_steps


@dataclass(frozen=True, slots=True)
class Overview:
    """A recording with what is known beside it; `progress` only while it is processed."""

    recording: Recording
    clips: int
    renditions: list[str]
    progress: IngestProgress | None


def list_recordings(
    session: Session,
    identity: Identity,
    *,
    exercise_id: UUID | None = None,
    state: str | None = None,
    cursor: str | None = None,
    limit: int = 50,
) -> Page[Recording]:
    """The recordings that the actor may know of, newest first."""
    require(identity, Permission.RECORDING_READ)
    everything = sees_every_organisation(identity)
    if not everything and identity.organisation_id is None:
        return Page([], None)
    owner = None if everything else identity.organisation_id
    query = queries.recordings_of(owner, exercise_id=exercise_id, state=state)
    if everything:
        query = query.where(Recording.state != "quarantined")
    return paginate(session, query, Recording.id, cursor=cursor, limit=limit)


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
    require_same_organisation(identity, recording.organisation_id)
    if recording.state == "quarantined" and identity.organisation_id != recording.organisation_id:
        raise Hidden
    return recording


def get_overview(session: Session, identity: Identity, recording_id: UUID) -> Overview:
    """One recording: state, reason, facts, progress. Raises NotFound."""
    recording = find(session, identity, recording_id, Permission.RECORDING_READ)
    return Overview(
        recording=recording,
        clips=queries.clip_count(session, recording_id),
        renditions=queries.rendition_kinds(session, recording_id),
        progress=progress(session, recording),
    )


def list_clips(
    session: Session, identity: Identity, recording_id: UUID, *, cursor: str | None = None, limit: int = 50
) -> Page[Clip]:
    """The clips of one recording, last first."""
    find(session, identity, recording_id, Permission.RECORDING_READ)
    return paginate(session, queries.clips_of(recording_id), Clip.id, cursor=cursor, limit=limit)


def withdraw(session: Session, identity: Identity, recording_id: UUID, *, reason: str) -> Recording:
    """Takes a recording out of use, for a reason that is kept: nobody views, composes or freezes it from here on."""
    recording = find(session, identity, recording_id, Permission.RECORDING_WITHDRAW, lock=True)
    if recording.state in ("withdrawn", "erased"):
        raise AlreadyWithdrawn
    if recording.state == "quarantined":
        raise Quarantined
    stop_work(session, recording)
    recording.state, recording.reason_code, recording.reason = "withdrawn", "withdrawn_by_force", reason
    session.flush()
    note(session, identity, Tag.RECORDING_WITHDRAWN, recording, {"reason": reason})
    return recording


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
    cancel_about(session, "redaction", recording.id)  # by name: that feature stands above this one


def reject(
    session: Session, recording: Recording, code: str, reason: str, *, identity: Identity = SYSTEM
) -> None:
    """Ends the processing for a stated reason, in a sentence that a person understands."""
    forget_steps(session, recording.id)
    recording.state, recording.reason_code, recording.reason = "rejected", code, reason
    session.flush()
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
