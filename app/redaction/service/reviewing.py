"""A person's decisions on regions. Each carries the version it was made from: nothing is decided unseen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from app.audit.events import Tag
from app.authz.permissions import Permission
from app.authz.predicates import require_person
from app.core.clock import now
from app.core.errors import NotFound
from app.core.identity import Identity
from app.jobs import ASKED_FOR, MEDIA_QUEUE, defer
from app.jobs import cancel as cancel_job
from app.recordings.ledger import LedgerOf
from app.redaction import queries, regions
from app.redaction.models import Redaction, RedactionRegion
from app.redaction.regions import Wanted
from app.redaction.service import lifecycle, rows
from app.redaction.service.errors import RedactionState, Undecided


def add_region(
    session: Session,
    identity: Identity,
    ledger_of: LedgerOf,
    *,
    redaction_id: UUID,
    version: int,
    wanted: Wanted,
) -> Redaction:
    """A region that a person draws; accepted, since they drew it. Raises RegionRefused and what `workable` does."""
    redaction = lifecycle.workable(session, identity, redaction_id, version)
    regions.check(wanted, redaction.recording.frame_count or 0)
    if len(redaction.regions) >= regions.MAX_REGIONS:
        raise regions.RegionRefused(f"A redaction takes at most {regions.MAX_REGIONS} regions")
    decided = {"source": "drawn", "decision": "accepted", "decided_by": require_person(identity)}
    row = rows.row_of(redaction.id, wanted, ledger_of(redaction.recording), **decided)
    session.add(row)
    return _changed(session, identity, redaction, {"added": str(row.id), "kind": row.kind})


def change_region(
    session: Session,
    identity: Identity,
    ledger_of: LedgerOf,
    *,
    redaction_id: UUID,
    region_id: UUID,
    version: int,
    changes: Mapping[str, Any],
) -> Redaction:
    """Sets any of decision, style, start_frame, end_frame and keyframes of one region. Raises as `add_region`."""
    redaction = lifecycle.workable(session, identity, redaction_id, version)
    row = _region(redaction, region_id)
    merged = {name: changes.get(name, getattr(row, name)) for name in Wanted.__dataclass_fields__}
    wanted = Wanted(**merged | {"kind": row.kind, "score": row.score})
    regions.check(wanted, redaction.recording.frame_count or 0)
    row.style, row.keyframes = wanted.style, wanted.keyframes
    if (wanted.start_frame, wanted.end_frame) != (row.start_frame, row.end_frame):
        ledger = ledger_of(redaction.recording)
        for name, value in rows.interval(ledger, wanted.start_frame, wanted.end_frame).items():
            setattr(row, name, value)
    if "decision" in changes:
        row.decision, row.decided_by = changes["decision"], require_person(identity)
    return _changed(session, identity, redaction, {"region": str(row.id), "changed": sorted(changes)})


def remove_region(
    session: Session, identity: Identity, *, redaction_id: UUID, region_id: UUID, version: int
) -> Redaction:
    """Takes back a region that was drawn; a proposal is rejected instead, so that it stays on record."""
    redaction = lifecycle.workable(session, identity, redaction_id, version)
    row = _region(redaction, region_id)
    if row.source != "drawn":
        raise RedactionState("A proposal is rejected, not removed")
    session.delete(row)
    return _changed(session, identity, redaction, {"removed": str(region_id)})


def decide_all(
    session: Session,
    identity: Identity,
    *,
    redaction_id: UUID,
    version: int,
    decision: str,
    kind: str | None = None,
) -> Redaction:
    """Decides every region that is pending, of one kind or of all."""
    redaction = lifecycle.workable(session, identity, redaction_id, version)
    person_id = require_person(identity)
    decided = [r for r in redaction.regions if r.decision == "pending" and kind in (None, r.kind)]
    for row in decided:
        row.decision, row.decided_by = decision, person_id
    return _changed(session, identity, redaction, {"decided": len(decided), "decision": decision})


def approve(session: Session, identity: Identity, *, redaction_id: UUID, version: int) -> Redaction:
    """Ends the review and asks for the rendering. Raises Undecided while a region is pending."""
    redaction = lifecycle.workable(session, identity, redaction_id, version)
    pending = sum(row.decision == "pending" for row in redaction.regions)
    if pending:
        raise Undecided(f"{pending} regions are neither accepted nor rejected: decide them first")
    job_id = defer(  # first, for it flushes
        session, "redaction.render", queue=MEDIA_QUEUE, priority=ASKED_FOR, redaction_id=redaction.id
    )
    redaction.approved_by, redaction.approved_at = require_person(identity), now()
    redaction.job_id, redaction.reason = job_id, None
    lifecycle.move(session, redaction, "approved")
    accepted = sum(row.decision == "accepted" for row in redaction.regions)
    details = {"accepted": accepted, "rejected": len(redaction.regions) - accepted}
    if redaction.uncovered_from is not None:
        details["uncovered_from"] = redaction.uncovered_from
    lifecycle.note(session, identity, Tag.REDACTION_APPROVED, redaction, details)
    return redaction


def cancel(session: Session, identity: Identity, *, redaction_id: UUID, version: int) -> Redaction:
    """Stops the rendering; the review goes on. Its job, if it runs, finds that it no longer counts."""
    redaction = lifecycle.find(session, identity, redaction_id, Permission.REDACTION_REVIEW, lock=True)
    lifecycle.check_version(redaction, version)
    if redaction.state not in queries.RENDERING:
        raise RedactionState("It is not being rendered")
    if redaction.job_id is not None:
        cancel_job(session, redaction.job_id)
    lifecycle.move(session, redaction, "in_review")
    lifecycle.note(session, identity, Tag.REDACTION_CANCELLED, redaction)
    return redaction


def _region(redaction: Redaction, region_id: UUID) -> RedactionRegion:
    found = next((row for row in redaction.regions if row.id == region_id), None)
    if found is None:
        raise NotFound
    return found


def _changed(
    session: Session, identity: Identity, redaction: Redaction, details: dict[str, Any]
) -> Redaction:
    redaction.reason = None
    lifecycle.move(session, redaction, "in_review")
    lifecycle.note(session, identity, Tag.REDACTION_CHANGED, redaction, details)
    session.expire(redaction, ["regions"])
    return redaction
