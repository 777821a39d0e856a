"""Erasure is decided twice: requested, then confirmed by a second officer, or by the same one after a time to think."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
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
from app.custody.models import Erasure
from app.custody.service.errors import ErasureState, NeedsAnother, NotErasable
from app.custody.service.holding import require_no_hold
from app.custody.service.scope import scope_of
from app.jobs import defer
from app.recordings.models import Recording
from app.recordings.queries import same_footage
from app.recordings.service import find, lock_whole, note

COOLING = timedelta(hours=72)
ERASABLE = ("withdrawn", "quarantined")
IN_USE = ("processing", "ready")


def request_erasure(
    session: Session, identity: Identity, recording_id: UUID, *, reason: str, ground: str = ""
) -> Erasure:
    """The first step. `ground` is why it may be erased; unless given, what put the recording out of use.

    Raises NotErasable unless it and what goes with it are withdrawn or quarantined, OnHold, ErasureState where one is
    under way.
    """
    lock_whole(session, recording_id)  # before its parts, as everywhere
    recording = find(session, identity, recording_id, Permission.CUSTODY_DECIDE, lock=True)
    if queries.erasure(session, recording_id) is not None:
        raise ErasureState("Its erasure was requested before")
    if recording.state not in ERASABLE:
        raise NotErasable
    _require_erasable(session, recording, same_footage(session, recording_id))
    made = Erasure(
        id=new_id(),
        recording_id=recording_id,
        recording=recording,
        ground=ground or ("incident" if recording.state == "quarantined" else "withdrawn"),
        reason=reason,
        requested_by=require_person(identity),
    )
    session.add(made)
    session.flush()
    session.refresh(made, ["requester"])
    note(session, identity, Tag.ERASURE_REQUESTED, recording, _said(made) | {"reason": reason})
    return made


def confirm_erasure(session: Session, identity: Identity, recording_id: UUID) -> Erasure:
    """The second step: from the commit on a job erases, and nothing brings the footage back. What was joined from the
    recording, or what it was joined from, is the same footage, and goes with it.

    Raises NeedsAnother for the officer who requested it while there is time to think, ErasureState, OnHold, NotErasable
    where something that would go with it is in use again.
    """
    recording, erasure = _requested(session, identity, recording_id)
    person_id = require_person(identity)
    free_from = erasure.requested_at + COOLING
    if person_id == erasure.requested_by and now() < free_from:
        raise NeedsAnother(
            f"You requested it: you may confirm it yourself from {free_from:%d %B %Y, %H:%M} UTC on"
        )
    others = same_footage(session, recording_id)
    _require_erasable(session, recording, others)
    _confirm(session, identity, recording, erasure)
    for one in others:
        if one.state != "erased":
            _confirm(session, identity, one, _along(session, one, erasure))
    return erasure


def _require_erasable(session: Session, recording: Recording, others: Sequence[Recording]) -> None:
    """Nobody decided about footage that is in use: it does not go along with what was put out of use."""
    for one in others:
        if one.state in IN_USE:
            raise NotErasable(
                f"{one.filename} holds part of it and is in use: withdraw that first, or erase the other parts alone"
            )
    for one in (recording, *others):
        require_no_hold(session, one.id)


def _along(session: Session, other: Recording, erasure: Erasure) -> Erasure:
    """The erasure of a recording that holds the same footage: the one that was requested, or one of its own."""
    made = queries.erasure(session, other.id)
    if made is None:
        made = Erasure(
            id=new_id(),
            recording_id=other.id,
            recording=other,
            ground=erasure.ground,
            reason=f"The same footage as {erasure.recording.filename}: {erasure.reason}",
            requested_by=erasure.requested_by,
        )
        session.add(made)
        session.flush()
    return made


def _confirm(session: Session, identity: Identity, recording: Recording, erasure: Erasure) -> None:
    if erasure.state not in ("requested", None):
        return
    person_id = require_person(identity)
    erasure.state, erasure.confirmed_by, erasure.confirmed_at = "confirmed", person_id, now()
    erasure.job_id = defer(session, "custody.erase", erasure_id=erasure.id)
    session.flush()
    same = person_id == erasure.requested_by
    note(session, identity, Tag.ERASURE_CONFIRMED, recording, _said(erasure) | {"by_requester": same})


def cancel_erasure(session: Session, identity: Identity, recording_id: UUID, *, reason: str) -> Erasure:
    """Takes a request back; the recording stays as it is. Raises ErasureState once it is confirmed."""
    recording, erasure = _requested(session, identity, recording_id)
    erasure.state, erasure.cancel_reason = "cancelled", reason
    erasure.cancelled_by, erasure.cancelled_at = require_person(identity), now()
    session.flush()
    note(session, identity, Tag.ERASURE_CANCELLED, recording, _said(erasure) | {"reason": reason})
    return erasure


def _requested(session: Session, identity: Identity, recording_id: UUID) -> tuple[Recording, Erasure]:
    lock_whole(session, recording_id)  # before its parts, as everywhere
    recording = find(session, identity, recording_id, Permission.CUSTODY_DECIDE, lock=True)
    erasure = queries.erasure(session, recording_id)
    if erasure is None:
        raise ErasureState("Its erasure was not requested")
    if erasure.state != "requested":
        raise ErasureState(f"Its erasure is {erasure.state} already")
    return recording, erasure


def _said(erasure: Erasure) -> dict[str, object]:
    return {"erasure": str(erasure.id), "ground": erasure.ground}


def list_erasures(
    session: Session, identity: Identity, *, cursor: str | None = None, limit: int = 50
) -> Page[Erasure]:
    """Erasures under way and done, newest first."""
    require(identity, Permission.RECORDING_READ)
    return paginate(session, queries.erasures(scope_of(identity)), Erasure.id, cursor=cursor, limit=limit)
