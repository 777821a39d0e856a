"""Reads of the log: pages of entries, tiles, checkpoints and the proofs made of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.audit.entry import canonical_entry
from app.audit.models import AuditCheckpoint, AuditEvent, AuditTile
from app.core.pagination import Page, paginate
from app.proofs.merkle import consistency_ranges, inclusion_ranges
from app.proofs.tiles import range_hash
from app.proofs.tlog_proof import ProofBundle


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which entries are wanted; a member that is None asks nothing. `since` is included, `until` is not."""

    tag: str | None = None
    verb: str | None = None
    subject_kind: str | None = None
    subject_id: UUID | None = None
    actor_id: UUID | None = None
    organisation_id: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class ConsistencyProof:
    """The tree of `old_size` leaves is a prefix of that of `new_size`: roots and path, 32 bytes each."""

    old_size: int
    new_size: int
    old_root: bytes
    new_root: bytes
    path: tuple[bytes, ...]


def page_of_events(
    session: Session,
    wanted: EventFilter,
    scope: frozenset[UUID | None] | None,
    *,
    cursor: str | None,
    limit: int,
) -> Page[AuditEvent]:
    """A page of entries of the organisations in `scope` (None: of all), newest first."""
    query = select(AuditEvent)
    for name in ("tag", "verb", "subject_kind", "subject_id", "actor_id", "organisation_id"):
        value = getattr(wanted, name)
        if value is not None:
            query = query.where(getattr(AuditEvent, name) == value)
    if wanted.since is not None:
        query = query.where(AuditEvent.at >= wanted.since)
    if wanted.until is not None:
        query = query.where(AuditEvent.at < wanted.until)
    if scope is not None:
        query = query.where(AuditEvent.organisation_id.in_(scope))
    return paginate(session, query, AuditEvent.id, cursor=cursor, limit=limit)


def newest_checkpoint(session: Session) -> AuditCheckpoint | None:
    return session.scalar(select(AuditCheckpoint).order_by(AuditCheckpoint.size.desc()).limit(1))


def read_tile(session: Session, level: int, index: int) -> bytes:
    """The stored hashes of a tile; empty where there is none."""
    place = (AuditTile.level == level, AuditTile.tile_index == index)
    return session.scalar(select(AuditTile.hashes).where(*place)) or b""


def tile_reader(session: Session) -> Callable[[int, int], bytes]:
    """A reader that fetches each tile once; for one proof or one append."""
    return cache(lambda level, index: read_tile(session, level, index))


def build_bundle(session: Session, event: AuditEvent, head: AuditCheckpoint) -> ProofBundle:
    """The proof file of an integrated event under a checkpoint that covers it."""
    if event.leaf_index is None:
        raise ValueError("the event has no place in the tree yet")
    read = tile_reader(session)
    path = tuple(range_hash(read, span) for span in inclusion_ranges(event.leaf_index, head.size))
    return ProofBundle(canonical_entry(event), event.salt, event.leaf_index, path, head.note)


def build_consistency(session: Session, old_size: int, new_size: int) -> ConsistencyProof:
    """Raises ProofError unless 0 ≤ old_size ≤ new_size ≤ the size of the stored tree."""
    read = tile_reader(session)
    path = tuple(range_hash(read, span) for span in consistency_ranges(old_size, new_size))
    roots = (range_hash(read, (0, old_size)), range_hash(read, (0, new_size)))
    return ConsistencyProof(old_size, new_size, *roots, path)
