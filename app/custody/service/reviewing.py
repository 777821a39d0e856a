"""Sensitivity reviews: before anything of a recording is released, somebody of its force says that it may."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from sqlalchemy.orm import Session

from app.audit.events import Tag
from app.authz.permissions import Permission
from app.authz.predicates import require, require_person
from app.core.clock import now
from app.core.errors import InvalidRequest
from app.core.identity import Identity
from app.core.ids import new_id
from app.core.pagination import Page, paginate
from app.custody import queries
from app.custody.models import SensitivityReview
from app.custody.service.errors import NotReviewed, ReviewRefused
from app.custody.service.scope import scope_of
from app.recordings.models import Recording
from app.recordings.queries import BRIEF
from app.recordings.service import find, note, require_viewable
from app.redaction.models import Redaction
from app.redaction.service import newest as newest_redaction

UNFINISHED = ("in_review", "approved", "rendering", "failed")
REPLACED = "Replaced by a newer review"


def confirm_review(
    session: Session,
    identity: Identity,
    recording_id: UUID,
    *,
    training: bool,
    tactics: bool,
    people: str,
    note_text: str | None = None,
) -> SensitivityReview:
    """Records that the footage may be released as it would leave now. A review that stood is replaced.

    Raises InvalidRequest unless all of it is confirmed, ReviewRefused where what is said of people is not so.
    """
    recording = find(session, identity, recording_id, Permission.CUSTODY_DECIDE, lock=True)
    require_viewable(recording)
    person_id = require_person(identity)
    if not training:
        raise InvalidRequest("Footage that is no training is marked as an incident, not reviewed")
    if not tactics:
        raise InvalidRequest(
            "Footage of tactics that must not be shown is redacted or withdrawn, not reviewed"
        )
    redaction = _redaction_for(newest_redaction(session, identity, recording_id), people)
    former = queries.review(session, recording_id)
    if former is not None:
        _end(former, identity, REPLACED)
        session.flush()
    made = SensitivityReview(
        id=new_id(),
        recording_id=recording_id,
        people=people,
        redaction_id=redaction.id if redaction else None,
        note=note_text,
        reviewed_by=person_id,
    )
    session.add(made)
    session.flush()
    session.refresh(made)
    said = {"review": str(made.id), "training": True, "tactics_may_be_shown": True, "people": people}
    said |= {"redaction": str(redaction.id) if redaction else None, "note": note_text}
    note(session, identity, Tag.REVIEW_CONFIRMED, recording, said)
    return made


def _redaction_for(present: Redaction | None, people: str) -> Redaction | None:
    """The redaction that counts, checked against what the reviewer says of people."""
    if present is not None and present.state in UNFINISHED:
        raise ReviewRefused("Its redaction was begun and is not rendered: finish it, watch it, then review")
    counts = present if present is not None and present.state == "rendered" else None
    hides = counts is not None and counts.blob_key is not None
    if people == "redacted" and not hides:
        raise ReviewRefused("Nothing of it is redacted: render a redaction, or say that none is needed")
    if people == "none_needed" and hides:
        raise ReviewRefused("A redacted form of it exists and is what leaves: say that people were redacted")
    return counts


def revoke_review(session: Session, identity: Identity, recording_id: UUID, *, reason: str) -> None:
    """Takes the review back: nothing of the recording is frozen, signed or published from here on."""
    recording = find(session, identity, recording_id, Permission.CUSTODY_DECIDE, lock=True)
    standing = queries.review(session, recording_id)
    if standing is None:
        raise NotReviewed
    _end(standing, identity, reason)
    session.flush()
    note(session, identity, Tag.REVIEW_REVOKED, recording, {"review": str(standing.id), "reason": reason})


def _end(review: SensitivityReview, identity: Identity, reason: str) -> None:
    review.revoked_by, review.revoked_at, review.revoke_reason = require_person(identity), now(), reason


def list_unreviewed(
    session: Session, identity: Identity, *, cursor: str | None = None, limit: int = 50
) -> Page[Recording]:
    """Ready recordings that wait for a review, newest first."""
    require(identity, Permission.RECORDING_READ)
    query = queries.unreviewed(scope_of(identity)).options(*BRIEF)
    return paginate(session, query, Recording.id, cursor=cursor, limit=limit)


def reasons_against_release(session: Session, recording_ids: Collection[UUID]) -> list[str]:
    """What stands against releasing these recordings, in sentences; for features that compose and publish."""
    found = session.scalars(queries.unreviewed(None, recording_ids).order_by(Recording.id))
    return [
        f"recording “{one.filename}” has no sensitivity review that holds: its force must do it"
        for one in found
    ]
