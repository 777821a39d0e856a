"""Review: a second person accepts work or sends it back, never one's own."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.orm import Session

from app.annotation.models import Assignment, Task
from app.annotation.service.assignments import check_version, get_assignment, move
from app.annotation.service.errors import OwnWork, WrongState
from app.audit.events import Tag
from app.audit.service import append
from app.authz.permissions import Permission
from app.authz.predicates import require, require_person
from app.core.clock import now
from app.core.identity import Identity


def accept(session: Session, identity: Identity, *, assignment_id: UUID, version: int) -> Assignment:
    """Makes the assignment's annotations the clip's labels. Raises OwnWork, WrongState, StaleVersion."""
    assignment = _to_review(session, identity, assignment_id, version)
    task = session.get_one(  # read anew: it came with the assignment, before the lock was ours
        Task, assignment.task_id, with_for_update={"of": Task}, populate_existing=True
    )
    if task.state == "labelled":
        raise WrongState("This clip's labels are accepted already")
    task.state, task.accepted_assignment_id = "labelled", assignment.id
    _reviewed(session, identity, assignment, "accepted")
    append(session, identity, Tag.ANNOTATION_ACCEPTED, subject=("assignment", assignment.id))
    return assignment


def send_back(
    session: Session, identity: Identity, *, assignment_id: UUID, version: int, reason: str
) -> Assignment:
    """Returns the work to its annotator with a reason. Raises OwnWork, WrongState, StaleVersion."""
    assignment = _to_review(session, identity, assignment_id, version)
    assignment.return_reason = reason
    _reviewed(session, identity, assignment, "returned")
    append(
        session,
        identity,
        Tag.ANNOTATION_RETURNED,
        subject=("assignment", assignment.id),
        details={"reason": reason},
    )
    return assignment


def _to_review(session: Session, identity: Identity, assignment_id: UUID, version: int) -> Assignment:
    require(identity, Permission.REVIEW)
    assignment = get_assignment(session, identity, assignment_id, lock=True)
    if assignment.person_id == require_person(identity):
        raise OwnWork
    if assignment.state != "submitted":
        raise WrongState(f"It is {assignment.state.replace('_', ' ')}, not submitted")
    check_version(assignment, version)
    return assignment


def _reviewed(session: Session, identity: Identity, assignment: Assignment, state: str) -> None:
    assignment.reviewed_by, assignment.reviewed_at = require_person(identity), now()
    move(session, assignment, state)
