"""What is made of recordings on request: asked for, looked up, ended. Each kind's own rules are beside this.

The row and its job are written in one transaction, and the job makes its outputs count only while the row is open.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from app.audit.events import Tag
from app.authz.permissions import Permission
from app.authz.predicates import require
from app.core.clock import now
from app.core.db import Database
from app.core.errors import NotFound
from app.core.identity import SYSTEM, Identity
from app.core.pagination import Page, paginate
from app.jobs import ASKED_FOR, MEDIA_QUEUE, Superseded, defer, status_of
from app.jobs import cancel as cancel_job
from app.recordings import queries
from app.recordings.models import Derivation, Recording
from app.recordings.service.errors import AlreadyAsked, MadeTooOften, NotOpen
from app.recordings.service.lifecycle import find, note
from app.recordings.service.steps import ALIVE

_JOBS = {"join": "recordings.join", "clips": "recordings.cut", "cfr": "recordings.export"}
MOST_MADE = {"join": 10, "clips": 20, "cfr": 8}  # of one recording: nothing else bounds the room they take
GAVE_UP = "The service failed to do it: the operator's log says why; ask again"
GONE = "The recording can no longer be used"


def ask(
    session: Session, identity: Identity, recording: Recording, kind: str, parameters: dict[str, Any]
) -> Derivation:
    """Writes and enqueues what is to be made. The caller holds the recording. Raises AlreadyAsked, MadeTooOften."""
    if queries.open_derivation(session, recording.id, kind) is not None:
        raise AlreadyAsked
    if queries.made_of_it(session, recording.id, kind) >= MOST_MADE[kind]:
        raise MadeTooOften
    row = Derivation(
        recording_id=recording.id,
        exercise_id=recording.exercise_id,
        organisation_id=recording.organisation_id,
        kind=kind,
        parameters=parameters,
    )
    session.add(row)
    session.flush()
    row.job_id = defer(session, _JOBS[kind], queue=MEDIA_QUEUE, priority=ASKED_FOR, derivation_id=row.id)
    details = {"derivation": str(row.id), "kind": kind, "parameters": parameters}
    note(session, identity, Tag.DERIVATION_REQUESTED, recording, details)
    return row


def get_derivation(session: Session, identity: Identity, derivation_id: UUID) -> Derivation:
    """What became of a request. Raises NotFound, for strangers also while its recording is quarantined."""
    row = session.get(Derivation, derivation_id)
    if row is None:
        require(identity, Permission.RECORDING_READ)
        raise NotFound
    find(session, identity, row.recording_id, Permission.RECORDING_READ)
    return row


def list_derivations(
    session: Session, identity: Identity, recording_id: UUID, *, cursor: str | None = None, limit: int = 50
) -> Page[Derivation]:
    """What was asked for of a recording, newest first. Raises NotFound."""
    find(session, identity, recording_id, Permission.RECORDING_READ)
    query = queries.derivations_of(recording_id=recording_id)
    return paginate(session, query, Derivation.id, cursor=cursor, limit=limit)


def opened(session: Session, derivation_id: UUID, job_id: int) -> Derivation | None:
    """The request that this job is to carry out, if it is still open, held until the transaction ends."""
    row = queries.locked_derivation(session, derivation_id)
    return row if row is not None and row.state == "open" and row.job_id == job_id else None


def still_open(session: Session, derivation_id: UUID, job_id: int) -> Derivation:
    """As `opened`, for the transaction that makes outputs count. Raises Superseded."""
    row = opened(session, derivation_id, job_id)
    if row is None:
        raise Superseded(f"derivation {derivation_id} no longer counts")
    return row


def end(session: Session, row: Derivation, result: dict[str, Any]) -> None:
    """Closes a request whose outputs count from now on."""
    row.state, row.result, row.ended_at = "done", result, now()
    session.flush()


def cancel_derivation(session: Session, identity: Identity, derivation_id: UUID) -> Derivation:
    """Stops what is being made, waiting or running. Raises Forbidden, NotFound, NotOpen once it has ended."""
    require(identity, Permission.RECORDING_DERIVE)
    row = get_derivation(session, identity, derivation_id)
    held = queries.locked_derivation(session, row.id)
    if held is None or held.state != "open":
        raise NotOpen
    if held.job_id is not None:
        cancel_job(session, held.job_id)
    fail(session, held, "cancelled", "It was stopped by the force", identity=identity)
    return held


def fail(session: Session, row: Derivation, code: str, reason: str, *, identity: Identity = SYSTEM) -> None:
    """Closes a request that cannot be carried out, with a reason that a person reads."""
    row.state, row.reason_code, row.reason, row.ended_at = "failed", code, reason, now()
    session.flush()
    details = {"derivation": str(row.id), "kind": row.kind, "reason": code}
    note(session, identity, Tag.DERIVATION_FAILED, session.get_one(Recording, row.recording_id), details)


def refuse_derivation(session: Session, derivation_id: UUID, job_id: int, code: str, reason: str) -> None:
    """Records that the footage itself does not allow it, unless the request was ended already."""
    row = opened(session, derivation_id, job_id)
    if row is not None:
        fail(session, row, code, reason)


def fail_abandoned_derivations(db: Database) -> None:
    """Ends requests whose job gave up: nothing is being made for ever."""
    with db.transaction() as session:
        ended = [
            one.id
            for one in queries.open_derivations(session)
            if one.job_id is None or status_of(session, one.job_id) not in ALIVE
        ]
    for derivation_id in ended:
        with db.transaction() as session:
            row = queries.locked_derivation(session, derivation_id)
            if row is not None and row.state == "open":
                fail(session, row, "processing_failed", GAVE_UP)
