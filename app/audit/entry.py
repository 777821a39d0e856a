"""An event as its canonical entry: the exact bytes that the tree commits to."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from app.audit.models import AuditEvent
from app.proofs.canonical import JSON, canonical_json, entry_leaf_hash

FORMAT = "cordon-audit-entry-1"


def entry_of(event: AuditEvent) -> dict[str, JSON]:
    """The entry: everything that was recorded of the event, times in UTC with six decimals."""
    subject = {"kind": event.subject_kind, "id": _text(event.subject_id)} if event.subject_kind else None
    return {
        "format": FORMAT,
        "id": str(event.id),
        "at": _instant(event.at),
        "tag": event.tag,
        "verb": event.verb,
        "actor": {
            "kind": event.actor_kind,
            "id": _text(event.actor_id),
            "label": event.actor_label,
            "person_id": _text(event.person_id),
        },
        "organisation_id": _text(event.organisation_id),
        "subject": subject,
        "purpose": event.purpose,
        "request_id": event.request_id,
        "details": event.details,
    }


def canonical_entry(event: AuditEvent) -> bytes:
    """Canonical bytes of the entry. Raises ProofError for details that have no canonical form."""
    return canonical_json(entry_of(event))


def leaf_hash_of(event: AuditEvent) -> bytes:
    """Leaf hash recomputed from the event's columns and salt."""
    return entry_leaf_hash(event.salt, canonical_entry(event))


def _text(value: UUID | None) -> str | None:
    return None if value is None else str(value)


def _instant(value: datetime) -> str:
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
