"""What the rest of the house does with the log: append to it, read it, prove from it."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from app.audit import queries
from app.audit.entry import leaf_hash_of
from app.audit.events import Tag
from app.audit.models import AuditEvent
from app.audit.queries import ConsistencyProof, EventFilter
from app.authz.permissions import Permission
from app.authz.predicates import require, sees_every_organisation
from app.core.clock import now
from app.core.errors import Conflict, InvalidRequest, NotFound, Unavailable
from app.core.identity import Identity
from app.core.ids import new_id
from app.core.pagination import Page
from app.proofs.canonical import SALT_SIZE, canonical_json
from app.proofs.tlog_proof import ProofBundle


class NotYetProvable(Conflict):
    type = "not-yet-provable"
    title = "This entry is not in a signed checkpoint yet: try again in a few seconds"
    retry_after = 5


def append(
    session: Session,
    identity: Identity,
    tag: Tag,
    *,
    subject: tuple[str, UUID] | None = None,
    purpose: str | None = None,
    details: Mapping[str, Any] | None = None,
    organisation_id: UUID | None = None,
) -> AuditEvent:
    """Records an event in the caller's transaction: it is in the log exactly when what it speaks of is done.

    `subject` is (kind, id), as in ("recording", id). `details` holds integers and text, no fractions (ProofError).
    `organisation_id` is whose matter it is, where that is not the actor's own organisation (a job's, for instance).
    """
    subject_kind, subject_id = subject or (None, None)
    event = AuditEvent(
        id=new_id(),
        at=now(),
        tag=tag.value,
        verb=tag.verb.value,
        actor_kind=identity.kind.value,
        actor_id=identity.id,
        actor_label=identity.label,
        person_id=identity.person_id,
        organisation_id=organisation_id or identity.organisation_id,
        subject_kind=subject_kind,
        subject_id=subject_id,
        purpose=purpose or identity.purpose,
        request_id=identity.request_id,
        details=_plain(details or {}),
        salt=secrets.token_bytes(SALT_SIZE),
    )
    event.leaf_hash = leaf_hash_of(event)
    session.add(event)
    return event


def _plain(details: Mapping[str, Any]) -> dict[str, Any]:
    """A copy as plain JSON, so that what is stored is what was hashed even where the caller changes its own."""
    plain: dict[str, Any] = json.loads(canonical_json(details))
    return plain


def list_events(
    session: Session, identity: Identity, wanted: EventFilter, *, cursor: str | None = None, limit: int = 50
) -> Page[AuditEvent]:
    """A page of entries, newest first. An auditor outside the operator sees only its own organisation's."""
    require(identity, Permission.AUDIT_READ)
    return queries.page_of_events(session, wanted, _scope(identity), cursor=cursor, limit=limit)


def get_event(session: Session, identity: Identity, event_id: UUID) -> AuditEvent:
    """One entry. Raises NotFound for another organisation's as for one that is not there."""
    require(identity, Permission.AUDIT_READ)
    event = session.get(AuditEvent, event_id)
    scope = _scope(identity)
    if event is None or (scope is not None and event.organisation_id not in scope):
        raise NotFound
    return event


def prove_event(session: Session, identity: Identity, event_id: UUID) -> ProofBundle:
    """The proof file of one entry that the identity may read. Raises NotFound, NotYetProvable."""
    get_event(session, identity, event_id)
    return prove(session, event_id)


def prove(session: Session, event_id: UUID) -> ProofBundle:
    """The proof file of one entry against the newest checkpoint; O(log n) reads.

    For callers that have authorised already. Raises NotFound, or NotYetProvable until the entry is integrated.
    """
    event = session.get(AuditEvent, event_id)
    if event is None:
        raise NotFound
    head = queries.newest_checkpoint(session)
    if event.leaf_index is None or head is None or event.leaf_index >= head.size:
        raise NotYetProvable
    return queries.build_bundle(session, event, head)


def consistency(session: Session, old_size: int, new_size: int) -> ConsistencyProof:
    """Proof that the log of `old_size` entries is a prefix of that of `new_size`. Raises InvalidRequest."""
    head = queries.newest_checkpoint(session)
    if not 0 <= old_size <= new_size <= (head.size if head else 0):
        raise InvalidRequest("Sizes must rise from 0 to at most the newest checkpoint's")
    return queries.build_consistency(session, old_size, new_size)


def checkpoint_note(session: Session) -> str:
    """The newest signed checkpoint. Raises Unavailable until the sequencer has signed the first."""
    head = queries.newest_checkpoint(session)
    if head is None:
        raise Unavailable("No checkpoint is signed yet: is a worker running?")
    return head.note


def tile(session: Session, level: int, index: int, width: int) -> bytes:
    """The first `width` hashes of a tile, 32 bytes each. Raises NotFound where the tree is not so wide."""
    data = queries.read_tile(session, level, index)[: width * 32]
    if len(data) != width * 32:
        raise NotFound
    return data


def _scope(identity: Identity) -> frozenset[UUID | None] | None:
    """Organisations whose entries the identity may read; None means all of them."""
    return None if sees_every_organisation(identity) else frozenset({identity.organisation_id})
