"""Legal holds: what must be kept whatever else is decided."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.orm import Session

from app.audit.events import Tag
from app.authz.permissions import Permission
from app.authz.predicates import require, require_person
from app.core.clock import now
from app.core.identity import Identity
from app.core.ids import new_id
from app.core.pagination import Page, paginate
from app.custody import queries
from app.custody.models import LegalHold
from app.custody.service.errors import ErasureState, HoldState, OnHold
from app.custody.service.scope import scope_of
from app.recordings.service import find, note


def place_hold(session: Session, identity: Identity, recording_id: UUID, *, reason: str) -> LegalHold:
    """Keeps a recording from being erased. Raises HoldState, or ErasureState once an erasure is confirmed."""
    recording = find(session, identity, recording_id, Permission.CUSTODY_DECIDE, lock=True)
    erasure = queries.erasure(session, recording_id)
    if erasure is not None and erasure.state != "requested":
        raise ErasureState("Its erasure is confirmed: nothing can be held any more")
    if queries.hold(session, recording_id) is not None:
        raise HoldState("A legal hold keeps it already")
    made = LegalHold(
        id=new_id(), recording_id=recording_id, reason=reason, placed_by=require_person(identity)
    )
    session.add(made)
    session.flush()
    session.refresh(made)
    note(session, identity, Tag.HOLD_PLACED, recording, {"hold": str(made.id), "reason": reason})
    return made


def lift_hold(session: Session, identity: Identity, recording_id: UUID, *, reason: str) -> LegalHold:
    """Ends the hold, with a reason. Raises HoldState where there is none."""
    recording = find(session, identity, recording_id, Permission.CUSTODY_DECIDE, lock=True)
    standing = queries.hold(session, recording_id)
    if standing is None:
        raise HoldState("No legal hold keeps it")
    standing.lifted_by, standing.lifted_at, standing.lift_reason = require_person(identity), now(), reason
    session.flush()
    note(session, identity, Tag.HOLD_LIFTED, recording, {"hold": str(standing.id), "reason": reason})
    return standing


def require_no_hold(session: Session, recording_id: UUID) -> None:
    """Raises OnHold. The caller holds the recording's lock, so that none is placed meanwhile."""
    if queries.hold(session, recording_id) is not None:
        raise OnHold


def list_holds(
    session: Session, identity: Identity, *, cursor: str | None = None, limit: int = 50
) -> Page[LegalHold]:
    """Holds that stand, newest first."""
    require(identity, Permission.RECORDING_READ)
    return paginate(session, queries.holds(scope_of(identity)), LegalHold.id, cursor=cursor, limit=limit)
