"""Not training after all: quarantined at once, then cleared, moved out or erased by its force."""

from __future__ import annotations

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
from app.custody.models import Incident
from app.custody.service.erasing import IN_USE, request_erasure
from app.custody.service.errors import ErasureState, IncidentState, NoOriginal
from app.custody.service.holding import require_no_hold
from app.custody.service.scope import scope_of
from app.custody.service.standing_back import note_cleared, note_standing_back
from app.jobs import defer
from app.recordings.models import Recording
from app.recordings.queries import locked, same_footage
from app.recordings.service import (
    find,
    key_of,
    lock_whole,
    note,
    parts_of,
    stop_work,
    withdraw_joined,
)
from app.storage.models import DataKey

MARKABLE = ("processing", "ready", "rejected", "withdrawn")  # all but what is set apart or gone
APART = ("quarantined", "erased")  # a part in one of these keeps what was joined from it in quarantine
MOVED_OUT = "The force has its own copy of this incident, and it is no training footage"


def mark_incident(session: Session, identity: Identity, recording_id: UUID, *, reason: str) -> Incident:
    """An officer of its force marks a recording, one that was withdrawn too: releases may still hand it out. Raises
    IncidentState where it is quarantined or erased."""
    lock_whole(session, recording_id)  # before its parts, as everywhere
    recording = find(session, identity, recording_id, Permission.CUSTODY_DECIDE, lock=True)
    return _quarantine(session, identity, recording, reason, "officer")


def report_incident(session: Session, identity: Identity, recording_id: UUID, *, reason: str) -> Incident:
    """Somebody who labels or reviews says so. For features that have decided that the actor works on the footage."""
    require(identity, Permission.INCIDENT_REPORT)
    lock_whole(session, recording_id)
    recording = locked(session, recording_id)
    if recording is None:
        raise IncidentState("It is not there any more")
    return _quarantine(session, identity, recording, reason, "labelling")


def _quarantine(
    session: Session, identity: Identity, recording: Recording, reason: str, reported_as: str
) -> Incident:
    """Every route asks for the state `ready`: from the commit on only officers of the force see it. What hangs on it in
    higher features is ended by jobs, by name."""
    if recording.state not in MARKABLE:
        raise IncidentState(f"It is {recording.state}: nobody else sees it")
    others = same_footage(session, recording.id)  # parts and what was joined from them show the same
    apart = [*(one for one in others if one.state in MARKABLE), recording]
    made = [_set_apart(session, identity, one, reason, reported_as) for one in apart]
    for incident in made:
        note_standing_back(session, identity, incident)
    return made[-1]


def _set_apart(
    session: Session, identity: Identity, recording: Recording, reason: str, reported_as: str
) -> Incident:
    stop_work(session, recording)
    made = Incident(
        id=new_id(),
        recording_id=recording.id,
        recording=recording,
        state_before=recording.state,
        reported_as=reported_as,
        reason=reason,
        reported_by=require_person(identity),
    )
    session.add(made)
    recording.state = "quarantined"
    session.flush()
    said = {"incident": str(made.id), "reason": reason, "reported_as": reported_as}
    note(session, identity, Tag.RECORDING_QUARANTINED, recording, said | {"state_before": made.state_before})
    defer(session, "annotation.close_work", recording_id=recording.id)
    defer(session, "releases.settle_shards", recording_id=recording.id)
    return made


def clear_incident(session: Session, identity: Identity, recording_id: UUID, *, reason: str) -> Incident:
    """It was training: the recording goes back to where it was, and its parts with it; what was joined from it, too,
    once none of that one's parts is in quarantine; if the force withdrew one of them meanwhile, it is withdrawn.

    Raises IncidentState, ErasureState.
    """
    recording, incident = _open(session, identity, recording_id)
    others = same_footage(session, recording_id)
    parts = {one.part.id for one in parts_of(session, recording)}
    held = [recording, *(one for one in others if one.id in parts)]
    for one in held:
        _require_clearable(session, one)
    for one in others:
        whole = one.id not in parts and one.state == "quarantined"
        if whole and all(
            part.part in held or part.part.state not in APART for part in parts_of(session, one)
        ):
            _require_clearable(session, one)
            held.append(one)
    ended = [made for one in held if (made := _clear(session, identity, one, reason)) is not None]
    for made in ended:
        note_cleared(session, identity, made, but={one.recording_id for one in ended})
    for made in ended:  # only now is the state of every part what it will be
        _withdraw_with_parts(session, identity, made.recording)
    return incident


def _require_clearable(session: Session, recording: Recording) -> None:
    incident = queries.incident(session, recording.id)
    if recording.state == "erased" or (incident is not None and incident.outcome == "moved_out"):
        raise IncidentState(f"{recording.filename} is no training footage: it is erased, not cleared")
    if queries.erasure(session, recording.id) is not None:
        raise ErasureState(f"The erasure of {recording.filename} was requested: cancel that first")


def _clear(session: Session, identity: Identity, recording: Recording, reason: str) -> Incident | None:
    incident = queries.incident(session, recording.id)
    if incident is None:  # it was cleared by itself
        return None
    _decide(incident, identity, "cleared", reason)
    recording.state = incident.state_before
    if recording.state == "processing":
        recording.job_id = defer(session, "recordings.normalise", recording_id=recording.id)
    session.flush()
    note(session, identity, Tag.INCIDENT_CLEARED, recording, {"incident": str(incident.id), "reason": reason})
    defer(session, "annotation.reopen_work", recording_id=recording.id)
    defer(session, "releases.settle_shards", recording_id=recording.id)
    return incident


def _withdraw_with_parts(session: Session, identity: Identity, cleared: Recording) -> None:
    """A part that was withdrawn while this stood in quarantine could not take it along then, and does so now: its
    footage does not come back into use."""
    gone = [one.part for one in parts_of(session, cleared) if one.part.state in ("withdrawn", "erased")]
    if gone and cleared.state in IN_USE:
        reason = gone[0].reason or f"{gone[0].filename}, a part of it, was withdrawn"
        withdraw_joined(session, identity, cleared, reason)


def move_out(session: Session, identity: Identity, recording_id: UUID, *, reason: str) -> Incident:
    """It is a real incident: from here on its force may fetch the original, to keep where incidents are kept."""
    recording, incident = _open(session, identity, recording_id)
    if incident.outcome is not None:
        raise IncidentState("It is being moved out already")
    if queries.erasure(session, recording_id) is not None:
        raise ErasureState("Its erasure was requested: cancel that first")
    _decide(incident, identity, "moving_out", reason)
    session.flush()
    said = {"incident": str(incident.id), "reason": reason}
    note(session, identity, Tag.INCIDENT_MOVING_OUT, recording, said)
    return incident


def open_original(
    session: Session, identity: Identity, recording_id: UUID, *, byte_range: str
) -> tuple[Recording, DataKey]:
    """The original and the key to it, while it is moved out; each request is in the log. Raises NoOriginal."""
    recording = find(session, identity, recording_id, Permission.CUSTODY_DECIDE)
    incident = queries.incident(session, recording_id)
    if recording.state != "quarantined" or incident is None or incident.outcome != "moving_out":
        raise NoOriginal
    said = {"incident": str(incident.id), "range": byte_range}
    note(session, identity, Tag.INCIDENT_ORIGINAL_FETCHED, recording, said)
    return recording, key_of(session, recording)


def confirm_moved_out(session: Session, identity: Identity, recording_id: UUID, *, sha256: bytes) -> Incident:
    """The force holds the original: it says the SHA-256 of its copy, which must be ours; its erasure is requested.

    Raises InvalidRequest for another digest, IncidentState, OnHold.
    """
    recording, incident = _open(session, identity, recording_id)
    if incident.outcome != "moving_out":
        raise IncidentState("It is not being moved out")
    if sha256 != recording.sha256:
        raise InvalidRequest("sha256: your copy is not the original: fetch it again before ours is erased")
    require_no_hold(session, recording_id)
    _decide(incident, identity, "moved_out", incident.outcome_reason or "")
    session.flush()
    said = {"incident": str(incident.id), "sha256": sha256.hex()}
    note(session, identity, Tag.INCIDENT_MOVED_OUT, recording, said)
    request_erasure(session, identity, recording_id, reason=MOVED_OUT, ground="moved_out")
    return incident


def _open(session: Session, identity: Identity, recording_id: UUID) -> tuple[Recording, Incident]:
    lock_whole(session, recording_id)  # before its parts, as everywhere
    recording = find(session, identity, recording_id, Permission.CUSTODY_DECIDE, lock=True)
    incident = queries.incident(session, recording_id)
    if incident is None or recording.state != "quarantined":
        raise IncidentState("It is not marked as an incident")
    return recording, incident


def _decide(incident: Incident, identity: Identity, outcome: str, reason: str) -> None:
    incident.outcome, incident.outcome_reason = outcome, reason
    incident.decided_by, incident.decided_at = require_person(identity), now()


def list_incidents(
    session: Session, identity: Identity, *, cursor: str | None = None, limit: int = 50
) -> Page[Incident]:
    """Those whose recording is quarantined, newest first; the force's own alone."""
    require(identity, Permission.RECORDING_READ)
    query = queries.open_incidents(scope_of(identity))
    return paginate(session, query, Incident.id, cursor=cursor, limit=limit)
