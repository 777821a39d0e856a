"""Redactions looked up, opened and moved from state to state. Every change is in the log of its recording."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from app.audit import service as audit
from app.audit.events import Tag
from app.authz.permissions import Permission
from app.authz.predicates import require, require_same_organisation
from app.core.clock import now
from app.core.errors import NotFound, StaleVersion
from app.core.identity import Identity
from app.core.ids import new_id
from app.jobs import JobProgress, progress_of, status_of
from app.recordings.models import Recording
from app.recordings.service import require_viewable
from app.redaction import queries
from app.redaction.models import Redaction, RedactionRegion
from app.redaction.service.errors import RedactionState

WORKABLE = ("proposed", "in_review", "failed")
ALIVE = ("todo", "doing", "aborting")  # states of a job that may still end well
_COPIED = (
    "kind",
    "source",
    "decision",
    "style",
    "start_frame",
    "end_frame",
    "start_pts",
    "end_pts",
    "keyframes",
)


def find_recording(
    session: Session, identity: Identity, recording_id: UUID, permission: Permission, *, lock: bool = False
) -> Recording:
    """A ready recording of the actor's force. Raises Forbidden, NotFound, NotViewable."""
    require(identity, permission)
    locking = {"of": Recording} if lock else None
    recording = session.get(Recording, recording_id, with_for_update=locking, populate_existing=lock)
    if recording is None:
        raise NotFound
    require_same_organisation(identity, recording.organisation_id)
    require_viewable(recording)
    return recording


def find(
    session: Session, identity: Identity, redaction_id: UUID, permission: Permission, *, lock: bool = False
) -> Redaction:
    """A redaction of a ready recording of the actor's force. Raises Forbidden, NotFound, NotViewable."""
    require(identity, permission)
    locking = {"of": Redaction} if lock else None
    redaction = session.get(Redaction, redaction_id, with_for_update=locking, populate_existing=lock)
    if redaction is None:
        raise NotFound
    require_same_organisation(identity, redaction.recording.organisation_id)
    require_viewable(redaction.recording)
    return redaction


def newest(session: Session, identity: Identity, recording_id: UUID) -> Redaction | None:
    """The redaction that counts for a recording, for those who may read of it."""
    find_recording(session, identity, recording_id, Permission.RECORDING_READ)
    return queries.newest(session, recording_id)


def progress(session: Session, recording_id: UUID) -> JobProgress | None:
    """How far the present job about a recording's redaction is; None where none has begun, or it has ended."""
    found = progress_of(session, "redaction", recording_id)
    return found if found is not None and status_of(session, found.job_id) in ALIVE else None


def workable(session: Session, identity: Identity, redaction_id: UUID, version: int) -> Redaction:
    """The redaction, locked, to be changed. Raises StaleVersion, RedactionState and what `find` does."""
    redaction = find(session, identity, redaction_id, Permission.REDACTION_REVIEW, lock=True)
    if redaction.state not in WORKABLE:
        raise RedactionState(f"It is {redaction.state}: what it hides can no longer be changed")
    check_version(redaction, version)
    return redaction


def check_version(redaction: Redaction, version: int) -> None:
    """Raises StaleVersion unless `version` is the one stored."""
    if redaction.version != version:
        raise StaleVersion(f"It is at version {redaction.version} by now")


def open_redaction(session: Session, identity: Identity, recording_id: UUID) -> Redaction:
    """The redaction to work on: the present one, or after a rendered one a copy of it under the next number.

    Raises RedactionState while one is being rendered.
    """
    recording = find_recording(session, identity, recording_id, Permission.REDACTION_REVIEW, lock=True)
    present = queries.newest(session, recording_id)
    if present is not None and present.state in queries.RENDERING:
        raise RedactionState("It is being rendered: wait, or stop the rendering")
    if present is not None and present.state in WORKABLE:
        return present
    made = add(
        session,
        recording,
        number=present.number + 1 if present else 1,
        state="in_review",
        uncovered_from=present.uncovered_from if present else None,
    )
    for region in present.regions if present else ():
        values = {name: getattr(region, name) for name in (*_COPIED, "score", "decided_by")}
        session.add(RedactionRegion(id=new_id(), redaction_id=made.id, **values))
    session.flush()
    session.refresh(made)
    note(session, identity, Tag.REDACTION_OPENED, made)
    return made


def add(
    session: Session, recording: Recording, *, number: int, state: str, uncovered_from: int | None
) -> Redaction:
    """A new redaction's row; the caller holds the recording's lock."""
    made = Redaction(
        id=new_id(),
        recording_id=recording.id,
        recording=recording,
        number=number,
        state=state,
        uncovered_from=uncovered_from,
    )
    session.add(made)
    session.flush()
    return made


def move(session: Session, redaction: Redaction, state: str) -> None:
    """Puts the redaction into `state`, as of now; raises its version."""
    redaction.state, redaction.changed_at = state, now()
    session.flush()


def note(
    session: Session,
    identity: Identity,
    tag: Tag,
    redaction: Redaction,
    details: dict[str, Any] | None = None,
) -> None:
    """Appends to the log of the recording what happened to its redaction."""
    recording = redaction.recording
    audit.append(
        session,
        identity,
        tag,
        subject=("recording", recording.id),
        details={"redaction": str(redaction.id), "number": redaction.number, **(details or {})},
        organisation_id=recording.organisation_id,
    )
