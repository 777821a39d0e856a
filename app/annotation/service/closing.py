"""Ending the work on a recording that may not be seen any more, and taking it up again."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from app.annotation.models import Annotation, Assignment, Task
from app.annotation.service.assignments import get_assignment
from app.audit.events import Tag
from app.audit.service import append
from app.authz.permissions import Permission
from app.authz.predicates import require
from app.core.identity import SYSTEM, Identity
from app.custody.service import report_incident
from app.recordings.models import Clip, Recording
from app.recordings.queries import locked

CLOSABLE = ("open", "in_progress", "submitted", "returned")


def report(session: Session, identity: Identity, assignment_id: UUID, *, reason: str) -> None:
    """Says of the clip at hand that it may be a real incident: its recording is quarantined at once.

    Raises NotFound, and IncidentState where somebody was first.
    """
    require(identity, Permission.INCIDENT_REPORT)
    assignment = get_assignment(session, identity, assignment_id)
    report_incident(session, identity, assignment.task.clip.recording_id, reason=reason)


def close_work(session: Session, recording_id: UUID) -> int:
    """Closes what is not accepted of a quarantined recording's assignments; how many."""
    recording = locked(session, recording_id)
    if recording is None or recording.state != "quarantined":
        return 0
    found = _assignments(session, recording_id, CLOSABLE)
    for assignment in found:
        _move(session, recording, assignment, "closed", Tag.ASSIGNMENT_CLOSED)
    return len(found)


def reopen_work(session: Session, recording_id: UUID) -> int:
    """Gives closed assignments back to their annotators, with what they had drawn; how many."""
    recording = locked(session, recording_id)
    if recording is None or recording.state != "ready":
        return 0
    found = _assignments(session, recording_id, ("closed",))
    for assignment in found:
        state = "in_progress" if assignment.saved_at else "open"
        _move(session, recording, assignment, state, Tag.ASSIGNMENT_REOPENED)
    return len(found)


def erase_drafts(session: Session, recording_id: UUID) -> int:
    """Removes what was drawn on an erased recording and never accepted; accepted labels stay, as facts. How many."""
    recording = locked(session, recording_id)
    if recording is None or recording.state != "erased":
        return 0
    for assignment in _assignments(session, recording_id, CLOSABLE):
        _move(session, recording, assignment, "closed", Tag.ASSIGNMENT_CLOSED)
    drafts = [one.id for one in _assignments(session, recording_id, ("closed",))]
    gone = delete(Annotation).where(Annotation.assignment_id.in_(drafts)).returning(Annotation.id)
    removed = len(session.scalars(gone).all())
    if removed:
        append(
            session,
            SYSTEM,
            Tag.LABELS_ERASED,
            subject=("recording", recording.id),
            details={"annotations": removed, "assignments": len(drafts)},
            organisation_id=recording.organisation_id,
        )
    return removed


def _assignments(session: Session, recording_id: UUID, states: tuple[str, ...]) -> list[Assignment]:
    query = (
        select(Assignment)
        .join(Task, Task.id == Assignment.task_id)
        .join(Clip, Clip.id == Task.clip_id)
        .where(Clip.recording_id == recording_id, Assignment.state.in_(states))
        .order_by(Assignment.id)
    )
    return list(session.scalars(query.with_for_update(of=Assignment)))


def _move(session: Session, recording: Recording, assignment: Assignment, state: str, tag: Tag) -> None:
    assignment.state = state
    session.flush()
    append(
        session,
        SYSTEM,
        tag,
        subject=("assignment", assignment.id),
        organisation_id=recording.organisation_id,
    )
