"""Who works on which clip: taken, looked up, listed."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.annotation import queries
from app.annotation.models import Assignment, Task
from app.annotation.service.errors import NothingToLabel
from app.audit.events import Tag
from app.audit.service import append
from app.authz.permission_map import permits
from app.authz.permissions import Permission
from app.authz.predicates import require, require_person
from app.core.clock import now
from app.core.errors import NotFound, StaleVersion
from app.core.identity import Identity
from app.core.ids import new_id
from app.core.pagination import Page
from app.recordings.models import Recording


def take_next(session: Session, identity: Identity) -> Assignment:
    """The person's unfinished work, or a fresh assignment of the oldest open task. Raises NothingToLabel."""
    require(identity, Permission.ANNOTATE)
    person_id = require_person(identity)
    found = queries.unfinished_assignment(session, person_id)
    if found is not None:
        return found
    task = queries.next_open_task(session, person_id)
    if task is None:
        raise NothingToLabel
    assignment = Assignment(id=new_id(), task_id=task.id, person_id=person_id, state="open", annotations=[])
    session.add(assignment)
    session.flush()
    session.refresh(assignment)  # its task, clip and taxonomy, for the answer
    append(session, identity, Tag.ASSIGNMENT_CREATE, subject=("assignment", assignment.id))
    return assignment


def get_assignment(
    session: Session, identity: Identity, assignment_id: UUID, *, lock: bool = False
) -> Assignment:
    """One assignment: the annotator's own, or anyone's for reviewers, release managers and auditors."""
    require(identity, Permission.TASK_READ)
    found = session.get(Assignment, assignment_id, with_for_update={"of": Assignment} if lock else None)
    if found is None or not _visible(session, identity, found):
        raise NotFound
    return found


def _visible(session: Session, identity: Identity, assignment: Assignment) -> bool:
    recording_state = session.scalar(
        select(Recording.state).where(Recording.id == assignment.task.clip.recording_id)
    )
    return recording_state == "ready" and (assignment.person_id == identity.person_id or sees_all(identity))


def sees_all(identity: Identity) -> bool:
    """True for those whose view is everybody's work."""
    return any(permits(identity, p) for p in (Permission.REVIEW, Permission.DATASET_READ))


def list_assignments(
    session: Session,
    identity: Identity,
    *,
    states: Collection[str] = (),
    cursor: str | None = None,
    limit: int = 50,
) -> Page[Assignment]:
    """An annotator's own; a reviewer's view is everybody else's."""
    require(identity, Permission.TASK_READ)
    everyone = sees_all(identity)
    return queries.page_of_assignments(
        session,
        person_id=None if everyone else require_person(identity),
        not_person_id=identity.person_id if everyone else None,
        states=states,
        cursor=cursor,
        limit=limit,
    )


def list_own(
    session: Session, identity: Identity, *, cursor: str | None = None, limit: int = 50
) -> Page[Assignment]:
    """The person's own assignments in every state, newest first."""
    require(identity, Permission.TASK_READ)
    return queries.page_of_assignments(
        session,
        person_id=require_person(identity),
        not_person_id=None,
        states=(),
        cursor=cursor,
        limit=limit,
    )


def clips_waiting(session: Session, identity: Identity) -> int:
    """How many further clips the person could take now."""
    require(identity, Permission.ANNOTATE)
    return queries.open_task_count(session, require_person(identity))


def task_counts(session: Session, identity: Identity) -> dict[str, int]:
    """How many tasks there are in each state; for those who see all of them."""
    require(identity, Permission.TASK_READ)
    if not sees_all(identity):
        raise NotFound
    return queries.task_counts(session)


def list_tasks(
    session: Session,
    identity: Identity,
    *,
    state: str | None = None,
    cursor: str | None = None,
    limit: int = 50,
) -> Page[Task]:
    """Every task and how far it is, for those who see all of them."""
    require(identity, Permission.TASK_READ)
    if not sees_all(identity):
        raise NotFound
    return queries.page_of_tasks(session, state=state, cursor=cursor, limit=limit)


def check_version(assignment: Assignment, version: int) -> None:
    """Raises StaleVersion unless `version` is the one stored."""
    if assignment.version != version:
        raise StaleVersion(f"It is at version {assignment.version} by now")


def move(session: Session, assignment: Assignment, state: str) -> None:
    """Puts the assignment into `state`, as of now."""
    assignment.state, assignment.saved_at = state, now()  # touching the row raises its version
    session.flush()
