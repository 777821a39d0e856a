"""Saves and submissions. Every save is whole, version-checked and cited by frame and PTS."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from uuid import UUID

from sqlalchemy import delete
from sqlalchemy.orm import Session

from app.annotation import queries
from app.annotation.labels import ClipSpan, Label, check_labels
from app.annotation.models import Annotation, Assignment
from app.annotation.service.assignments import check_version, get_assignment, move
from app.annotation.service.errors import WrongState
from app.audit.events import Tag
from app.audit.service import append
from app.authz.permissions import Permission
from app.authz.predicates import require, require_person
from app.core.clock import now
from app.core.errors import NotFound
from app.core.identity import Identity
from app.core.ids import new_id
from app.recordings.ledger import LedgerOf
from app.recordings.models import Clip, Recording
from ingest.frames import Ledger


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
    move(session, assignment, "in_progress")
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
    move(session, assignment, "submitted")
    append(session, identity, Tag.ANNOTATION_SUBMITTED, subject=("assignment", assignment.id))
    return assignment


def _own_workable(session: Session, identity: Identity, assignment_id: UUID, version: int) -> Assignment:
    assignment = get_assignment(session, identity, assignment_id, lock=True)
    if assignment.person_id != require_person(identity):
        raise NotFound
    if assignment.state not in queries.WORKABLE:
        raise WrongState(f"It is {assignment.state}: its labels can no longer be changed")
    check_version(assignment, version)
    return assignment
