"""Puts committed events into the tree and signs its new head.

Transactions commit in another order than their events' ids, so the sequencer asks only which events have no place
yet. An advisory lock lets one process at a time do so; places are gapless because event, tiles and checkpoint are
written in one transaction.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from app.audit import queries
from app.audit.models import AuditCheckpoint, AuditEvent, AuditTile
from app.core.db import Database
from app.proofs.checkpoint import Checkpoint
from app.proofs.errors import ProofError
from app.proofs.merkle import EMPTY_ROOT
from app.proofs.note import NoteSigner
from app.proofs.tiles import TileId, TileReader, append_leaves, range_hash

log = logging.getLogger(__name__)

BATCH = 4096
INTERVAL_SECONDS = 0.5
_LOCK = 0x636F72646F6E6C67  # "cordonlg": one number for this log in PostgreSQL's space of advisory locks

_PLACE = text(
    "UPDATE audit_events AS event SET leaf_index = :size + placed.ordinal - 1 "
    "FROM unnest(CAST(:ids AS uuid[])) WITH ORDINALITY AS placed(id, ordinal) "
    "WHERE event.id = placed.id AND event.leaf_index IS NULL"
)


def integrate(session: Session, signer: NoteSigner, *, batch: int = BATCH) -> int:
    """Gives up to `batch` waiting events their places and signs a checkpoint; returns how many. Never commits.

    The first pass signs the empty tree. Raises ProofError, and signs nothing, where the stored tree no longer
    leads to the newest checkpoint: a log never signs two heads that contradict each other.
    """
    session.execute(select(func.pg_advisory_xact_lock(_LOCK)))
    head = queries.newest_checkpoint(session)
    rows = session.execute(
        select(AuditEvent.id, AuditEvent.leaf_hash)
        .where(AuditEvent.leaf_index.is_(None))
        .order_by(AuditEvent.id)
        .limit(batch)
    ).all()
    if head is not None and not rows:
        return 0
    read, size = queries.tile_reader(session), head.size if head else 0
    if range_hash(read, (0, size)) != (head.root if head else EMPTY_ROOT):
        raise ProofError(f"the stored tree does not lead to the checkpoint of size {size}")
    changed = append_leaves(read, size, [row.leaf_hash for row in rows])
    _place(session, [row.id for row in rows], size)
    _store(session, changed)
    _sign(session, signer, _overlay(read, changed), size + len(rows))
    return len(rows)


def run_sequencer(
    db: Database, signer: NoteSigner, *, stop: Callable[[], bool], interval: float = INTERVAL_SECONDS
) -> None:
    """Integrates until `stop()` is true, waiting `interval` seconds when nothing is left.

    Outlives a database that restarts. A tree that contradicts its checkpoint is logged at every pass and left alone.
    """
    while not stop():
        full = False
        try:
            with db.transaction() as session:
                full = integrate(session, signer) == BATCH
        except DBAPIError as error:
            log.warning("audit sequencer waits for the database", extra={"error": type(error.orig).__name__})
        except ProofError as error:
            log.critical("audit log is damaged: nothing is signed", extra={"error": str(error)})
        if not full:
            time.sleep(interval)


def _place(session: Session, ids: Sequence[UUID], size: int) -> None:
    placed = session.execute(_PLACE, {"ids": list(ids), "size": size})
    if placed.rowcount != len(ids):  # type: ignore[attr-defined]
        raise ProofError("an event that waited for its place is gone")


def _store(session: Session, changed: dict[TileId, bytes]) -> None:
    rows = [{"level": level, "tile_index": index, "hashes": data} for (level, index), data in changed.items()]
    if rows:
        statement = insert(AuditTile).values(rows)
        place = [AuditTile.level, AuditTile.tile_index]
        session.execute(
            statement.on_conflict_do_update(index_elements=place, set_={"hashes": statement.excluded.hashes})
        )


def _sign(session: Session, signer: NoteSigner, read: TileReader, size: int) -> None:
    root = range_hash(read, (0, size))
    note = Checkpoint(signer.name, size, root).sign(signer)
    session.add(AuditCheckpoint(size=size, root=root, note=note))
    session.flush()


def _overlay(read: TileReader, changed: dict[TileId, bytes]) -> TileReader:
    return lambda level, index: changed.get((level, index)) or read(level, index)
