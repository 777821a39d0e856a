"""Receipts and erasure certificates: what the log says, with its proof, for whoever trusts nobody."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.orm import Session

from app.audit.events import Tag
from app.audit.service import NotYetProvable, prove
from app.authz.permissions import Permission
from app.core.db import Database
from app.core.identity import SYSTEM, Identity
from app.custody import queries
from app.custody.service.errors import ErasureState
from app.proofs.canonical import JSON, parse_canonical
from app.proofs.note import NoteVerifier
from app.proofs.receipt import statement_of, write_receipt
from app.proofs.tlog_proof import ProofBundle
from app.recordings.models import Recording
from app.recordings.service import find, note, received

BATCH = 200


@dataclass(frozen=True, slots=True)
class Paper:
    """A receipt or certificate: its bytes as they are handed over, and its parts for a page."""

    recording: Recording
    data: bytes
    statement: dict[str, JSON]
    bundle: ProofBundle
    key: str


def receipt(session: Session, identity: Identity, recording_id: UUID, verifier: NoteVerifier) -> Paper:
    """What was received. Raises NotFound, NotYetProvable until the sequencer has put the entry into the tree."""
    recording = find(session, identity, recording_id, Permission.RECORDING_READ)
    event_id = queries.event_of(session, recording_id, Tag.RECORDING_RECEIVED)
    if event_id is None:
        raise NotYetProvable(
            "The receipt of this older recording is being written: try again in a few minutes"
        )
    return _paper(session, recording, event_id, verifier)


def certificate(session: Session, identity: Identity, recording_id: UUID, verifier: NoteVerifier) -> Paper:
    """What was destroyed. Raises NotFound, ErasureState where it is not erased, NotYetProvable."""
    recording = find(session, identity, recording_id, Permission.RECORDING_READ)
    event_id = queries.event_of(session, recording_id, Tag.RECORDING_ERASED)
    if event_id is None:
        raise ErasureState("It is not erased: there is nothing to certify")
    return _paper(session, recording, event_id, verifier)


def _paper(session: Session, recording: Recording, event_id: UUID, verifier: NoteVerifier) -> Paper:
    bundle = prove(session, event_id)
    statement = statement_of(parse_canonical(bundle.entry))
    return Paper(recording, write_receipt(bundle, verifier), statement, bundle, str(verifier))


def write_missing(db: Database) -> int:
    """Says in the log in full what was received before receipts were given; how many entries."""
    written = 0
    while True:
        with db.transaction() as session:
            found = queries.without_receipt(session, BATCH)
            for recording in found:
                note(session, SYSTEM, Tag.RECORDING_RECEIVED, recording, received(session, recording))
        written += len(found)
        if len(found) < BATCH:
            return written
