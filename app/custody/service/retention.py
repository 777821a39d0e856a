"""Retention: a job says what is due by its category, the force decides: keep, extend or erase."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from sqlalchemy.orm import Session

from app.audit.events import Tag
from app.authz.permissions import Permission
from app.authz.predicates import require, require_person
from app.core.clock import now
from app.core.db import Database
from app.core.errors import InvalidRequest
from app.core.identity import SYSTEM, Identity
from app.core.ids import new_id
from app.core.pagination import Page, paginate
from app.custody import queries
from app.custody.models import RetentionReview
from app.custody.schedule import YEARS, review_due, years_after
from app.custody.service.erasing import request_erasure
from app.custody.service.errors import NotDue
from app.custody.service.holding import require_no_hold
from app.custody.service.scope import scope_of
from app.recordings.models import Recording
from app.recordings.service import find, lock_whole, note, withdraw

BATCH = 200
LONGEST_YEARS = 10
WITHDRAWABLE = ("processing", "ready", "rejected")


def due_on(session: Session, recording: Recording) -> date:
    """When the recording is to be reviewed: as last decided, or by its exercise's category."""
    kept = queries.kept_until(session, recording.id)
    return kept or review_due(recording.exercise.held_on, recording.exercise.retention_category)


def mark_due(db: Database, on: date) -> int:
    """Opens a review of every recording that is due on that day; how many. A run that was killed goes on."""
    marked = 0
    while True:
        with db.transaction() as session:
            found = list(session.scalars(queries.newly_due(on, BATCH)))
            for recording in found:
                _open(session, recording)
        marked += len(found)
        if len(found) < BATCH:
            return marked


def _open(session: Session, recording: Recording) -> None:
    day = due_on(session, recording)
    session.add(RetentionReview(id=new_id(), recording_id=recording.id, due_on=day))
    session.flush()
    category = recording.exercise.retention_category
    note(session, SYSTEM, Tag.RETENTION_DUE, recording, {"due_on": day.isoformat(), "category": category})


def decide_retention(
    session: Session,
    identity: Identity,
    recording_id: UUID,
    *,
    decision: str,
    reason: str,
    until: date | None = None,
) -> RetentionReview:
    """Ends the open review. `keep`: for the category's time again; `extend`: until the day given; `erase`: withdrawn,
    and its erasure requested, which a second officer confirms.

    Raises NotDue, OnHold for an erasure, InvalidRequest for a day that is not within the next ten years.
    """
    lock_whole(session, recording_id)  # before its parts, as everywhere
    recording = find(session, identity, recording_id, Permission.CUSTODY_DECIDE, lock=True)
    review = queries.open_retention(session, recording_id)
    if review is None:
        raise NotDue
    review.keep_until = _kept_until(recording, decision, until)
    if decision == "erase":
        require_no_hold(session, recording_id)
        if recording.state in WITHDRAWABLE:
            withdraw(session, identity, recording_id, reason=reason)
        request_erasure(session, identity, recording_id, reason=reason, ground="retention")
    review.decision, review.reason = decision, reason
    review.decided_by, review.decided_at = require_person(identity), now()
    session.flush()
    said = {
        "decision": decision,
        "reason": reason,
        "due_on": review.due_on.isoformat(),
        "until": review.keep_until.isoformat() if review.keep_until else None,
    }
    note(session, identity, Tag.RETENTION_DECIDED, recording, said)
    return review


def _kept_until(recording: Recording, decision: str, until: date | None) -> date | None:
    today = now().date()
    if decision == "keep":
        return years_after(today, YEARS[recording.exercise.retention_category])
    if decision == "erase":
        return None
    if until is None or not today < until <= years_after(today, LONGEST_YEARS):
        raise InvalidRequest(f"until: give a day within the next {LONGEST_YEARS} years")
    return until


def list_due(
    session: Session, identity: Identity, *, cursor: str | None = None, limit: int = 50
) -> Page[RetentionReview]:
    """Reviews that wait, newest first."""
    require(identity, Permission.RECORDING_READ)
    query = queries.open_retentions(scope_of(identity))
    return paginate(session, query, RetentionReview.id, cursor=cursor, limit=limit)
