"""Tasks, assignments and saves. Every save is whole, version-checked and cited by frame and PTS."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict
from typing import ClassVar
from uuid import UUID

from ingest.frames import Ledger
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from app.annotation import queries
from app.annotation.labels import ClipSpan, Label, check_labels
from app.annotation.models import Annotation, Assignment, Task, Taxonomy
from app.annotation.taxonomy import FIREARM_ATTACK
from app.audit.events import Tag
from app.audit.service import append
from app.authz.permission_map import permits
from app.authz.permissions import Permission
from app.authz.predicates import require, require_person
from app.core.clock import now
from app.core.errors import Conflict, NotFound, StaleVersion
from app.core.identity import SYSTEM, Identity
from app.core.ids import new_id
from app.core.pagination import Page
from app.recordings.models import Clip, Recording

LedgerOf = Callable[[Recording], Ledger]


class NothingToLabel(NotFound):
    type: ClassVar[str] = "nothing-to-label"
    title: ClassVar[str] = "No clip is waiting to be labelled"


class WrongState(Conflict):
    type: ClassVar[str] = "assignment-state"
    title: ClassVar[str] = "The assignment's state does not allow this"


class OwnWork(Conflict):
    type: ClassVar[str] = "own-work"
    title: ClassVar[str] = "Nobody reviews their own work"


def ensure_taxonomy(session: Session) -> Taxonomy:
    """The first taxonomy's row, written if it is not there yet."""
    name, version = FIREARM_ATTACK["name"], FIREARM_ATTACK["version"]
    found = queries.taxonomy(session, name, version)
    if found is None:
        found = Taxonomy(id=new_id(), name=name, version=version, definition=FIREARM_ATTACK)
        session.add(found)
        session.flush()
        append(session, SYSTEM, Tag.TAXONOMY_CREATE, subject=("taxonomy", found.id), details={"name": name})
    return found


def list_taxonomies(session: Session, identity: Identity) -> list[Taxonomy]:
    """Every taxonomy, oldest first."""
    require(identity, Permission.TAXONOMY_READ)
    return queries.taxonomies(session)


def open_tasks(session: Session, recording_id: UUID, *, quota: int = 1) -> list[Task]:
    """One task for each clip of a ready recording; running it again opens nothing twice."""
    taxonomy = ensure_taxonomy(session)
    recording = session.get(Recording, recording_id, with_for_update=True)
    if recording is None or recording.state != "ready":
        return []
    clips = session.scalars(
        select(Clip.id).where(Clip.recording_id == recording_id).order_by(Clip.ordinal)
    ).all()
    have = set(
        session.scalars(select(Task.clip_id).where(Task.clip_id.in_(clips), Task.taxonomy_id == taxonomy.id))
    )
    fresh = [
        Task(id=new_id(), clip_id=c, taxonomy_id=taxonomy.id, quota=quota) for c in clips if c not in have
    ]
    session.add_all(fresh)
    session.flush()
    for task in fresh:
        append(
            session,
            SYSTEM,
            Tag.TASK_CREATE,
            subject=("task", task.id),
            organisation_id=recording.organisation_id,
        )
    return fresh


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
    return recording_state == "ready" and (assignment.person_id == identity.person_id or _sees_all(identity))


def _sees_all(identity: Identity) -> bool:
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
    everyone = _sees_all(identity)
    return queries.page_of_assignments(
        session,
        person_id=None if everyone else require_person(identity),
        not_person_id=identity.person_id if everyone else None,
        states=states,
        cursor=cursor,
        limit=limit,
    )


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
    if not _sees_all(identity):
        raise NotFound
    return queries.page_of_tasks(session, state=state, cursor=cursor, limit=limit)


def save_annotations(
    session: Session,
    identity: Identity,
    ledger_of: LedgerOf,
    *,
    assignment_id: UUID,
    version: int,
    labels: Sequence[Label],
) -> Assignment:
    """Replaces the assignment's annotations by `labels`, all or nothing.

    Raises StaleVersion unless `version` is the one stored, WrongState once submitted, LabelRefused for a label
    outside the clip or the taxonomy. PTS are copied from the frame ledger, never computed from a frame rate.
    """
    require(identity, Permission.ANNOTATE)
    assignment = _own_workable(session, identity, assignment_id, version)
    clip = assignment.task.clip
    check_labels(labels, ClipSpan(clip.start_frame, clip.end_frame), assignment.task.taxonomy.definition)
    recording = session.get_one(Recording, clip.recording_id)
    ledger = ledger_of(recording)
    session.execute(delete(Annotation).where(Annotation.assignment_id == assignment.id))
    session.expire(assignment, ["annotations"])
    session.add_all(_annotation(assignment.id, label, clip, ledger) for label in labels)
    _move(session, assignment, "in_progress")
    digest = hashlib.sha256(json.dumps([asdict(x) for x in labels], sort_keys=True).encode()).hexdigest()
    details = {"annotations": len(labels), "sha256": digest, "version": assignment.version}
    append(session, identity, Tag.ANNOTATION_SAVED, subject=("assignment", assignment.id), details=details)
    return assignment


def _annotation(assignment_id: UUID, label: Label, clip: Clip, ledger: Ledger) -> Annotation:
    """`end_pts` is where the last frame ends: the next frame's PTS, or the clip's own end."""
    end_pts = clip.end_pts if label.end_frame == clip.end_frame else ledger.pts_of(label.end_frame)
    return Annotation(
        id=new_id(),
        assignment_id=assignment_id,
        kind=label.kind,
        label=label.label,
        start_frame=label.start_frame,
        end_frame=label.end_frame,
        start_pts=ledger.pts_of(label.start_frame),
        end_pts=end_pts,
        keyframes=label.keyframes,
        attributes=label.attributes,
    )


def submit(session: Session, identity: Identity, *, assignment_id: UUID, version: int) -> Assignment:
    """Hands the work to review. An empty set of labels is a statement too: nothing happens in the clip."""
    require(identity, Permission.ANNOTATE)
    assignment = _own_workable(session, identity, assignment_id, version)
    assignment.submitted_at = now()
    _move(session, assignment, "submitted")
    append(session, identity, Tag.ANNOTATION_SUBMITTED, subject=("assignment", assignment.id))
    return assignment


def accept(session: Session, identity: Identity, *, assignment_id: UUID, version: int) -> Assignment:
    """Makes the assignment's annotations the clip's labels. Raises OwnWork, WrongState, StaleVersion."""
    assignment = _to_review(session, identity, assignment_id, version)
    task = session.get_one(Task, assignment.task_id, with_for_update={"of": Task})
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


def _own_workable(session: Session, identity: Identity, assignment_id: UUID, version: int) -> Assignment:
    assignment = get_assignment(session, identity, assignment_id, lock=True)
    if assignment.person_id != require_person(identity):
        raise NotFound
    if assignment.state not in queries.WORKABLE:
        raise WrongState(f"It is {assignment.state}: its labels can no longer be changed")
    _check_version(assignment, version)
    return assignment


def _to_review(session: Session, identity: Identity, assignment_id: UUID, version: int) -> Assignment:
    require(identity, Permission.REVIEW)
    assignment = get_assignment(session, identity, assignment_id, lock=True)
    if assignment.person_id == require_person(identity):
        raise OwnWork
    if assignment.state != "submitted":
        raise WrongState(f"It is {assignment.state.replace('_', ' ')}, not submitted")
    _check_version(assignment, version)
    return assignment


def _check_version(assignment: Assignment, version: int) -> None:
    if assignment.version != version:
        raise StaleVersion(f"It is at version {assignment.version} by now")


def _reviewed(session: Session, identity: Identity, assignment: Assignment, state: str) -> None:
    assignment.reviewed_by, assignment.reviewed_at = require_person(identity), now()
    _move(session, assignment, state)


def _move(session: Session, assignment: Assignment, state: str) -> None:
    assignment.state, assignment.saved_at = state, now()  # touching the row raises its version
    session.flush()
