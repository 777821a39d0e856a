"""Checks the whole log in the database against its own signatures, believing nothing that is stored.

Every leaf is recomputed from its event's columns and the tree is rebuilt from the leaves alone. Where its root meets
the signed one at each checkpoint's size, each checkpoint is a prefix of the next. What this cannot see alone is an
end of the log that was cut off with its checkpoints: for that, keep a checkpoint and give it as `remembered`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from app.audit.entry import leaf_hash_of
from app.audit.models import AuditCheckpoint, AuditEvent, AuditTile
from app.audit.queries import read_tile
from app.proofs.checkpoint import Checkpoint, open_checkpoint
from app.proofs.errors import ProofError
from app.proofs.merkle import CompactRange
from app.proofs.note import NoteVerifier
from app.proofs.tiles import TILE_WIDTH, TileId, append_leaves, tile_path, tiles_of

_PAGE = 2048


class LogTampered(ProofError):
    """The log does not hold together; `row` names the first row that shows it."""

    def __init__(self, row: str, reason: str) -> None:
        super().__init__(f"{row}: {reason}")
        self.row = row
        self.reason = reason


@dataclass(frozen=True, slots=True)
class LogReport:
    """A log that holds together: entries in the tree, events that wait for it, checkpoints, and the root."""

    size: int
    waiting: int
    checkpoints: int
    root: bytes


def take_snapshot(session: Session) -> None:
    """Makes the session's transaction, not yet begun, read one state of the database and write nothing."""
    session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"))


def verify_log(
    session: Session, verifier: NoteVerifier, *, remembered: Checkpoint | None = None
) -> LogReport:
    """Checks every event, tile and checkpoint. Raises LogTampered at the first that is wrong.

    The session must see one state of the log throughout: call `take_snapshot` first.
    """
    tree, tiles = CompactRange(), _TileCheck(session)
    heads = _checkpoints(session, verifier)
    head, count = next(heads, None), 0
    while True:
        while head is not None and head.size == tree.size:
            _require_root(head, tree, f"checkpoint {head.size}")
            head, count = next(heads, None), count + 1
        if remembered is not None and remembered.size == tree.size:
            _require_root(remembered, tree, f"remembered checkpoint {remembered.size}")
        stop = min((item.size for item in (head, remembered) if item and item.size > tree.size), default=None)
        page = _page(session, tree.size, _PAGE if stop is None else min(_PAGE, stop - tree.size))
        if not page:
            break
        _append(page, tree, tiles)
    _require_end(tree, head, remembered)
    _require_covered(session, tree.size, count)
    tiles.finish()
    waiting = session.scalar(select(func.count()).where(AuditEvent.leaf_index.is_(None))) or 0
    return LogReport(tree.size, waiting, count, tree.root())


class _TileCheck:
    """Rebuilds tiles from the leaves and compares each with what is stored, holding only the unfinished ones."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._size = 0
        self._partial: dict[TileId, bytes] = {}

    def append(self, leaves: list[bytes]) -> None:
        changed = append_leaves(lambda level, index: self._partial[level, index], self._size, leaves)
        self._size += len(leaves)
        for (level, index), hashes in changed.items():
            if len(hashes) == TILE_WIDTH * 32:
                self._compare(level, index, hashes)
                self._partial.pop((level, index), None)
            else:
                self._partial[level, index] = hashes

    def finish(self) -> None:
        for (level, index), hashes in self._partial.items():
            self._compare(level, index, hashes)
        stored, expected = (
            self._session.scalar(select(func.count(AuditTile.level))),
            len(tiles_of(self._size)),
        )
        if stored != expected:
            raise LogTampered("audit_tiles", f"{stored} tiles are stored, the tree has {expected}")

    def _compare(self, level: int, index: int, hashes: bytes) -> None:
        if read_tile(self._session, level, index) != hashes:
            raise LogTampered(f"tile {tile_path(level, index)}", "it differs from the entries' hashes")


def _append(page: list[AuditEvent], tree: CompactRange, tiles: _TileCheck) -> None:
    leaves = []
    for event in page:
        row = f"event {event.id}"
        if event.leaf_index != tree.size:
            raise LogTampered(row, f"it stands at index {event.leaf_index}, where {tree.size} must follow")
        try:
            leaf = leaf_hash_of(event)
        except ProofError as error:
            raise LogTampered(row, str(error)) from error
        if leaf != event.leaf_hash:
            raise LogTampered(row, "its content differs from its hash")
        leaves.append(leaf)
        tree.append(leaf)
    tiles.append(leaves)


def _page(session: Session, start: int, limit: int) -> list[AuditEvent]:
    query = select(AuditEvent).where(AuditEvent.leaf_index >= start).order_by(AuditEvent.leaf_index)
    return list(session.scalars(query.limit(limit), execution_options={"populate_existing": True}))


def _checkpoints(session: Session, verifier: NoteVerifier) -> Iterator[Checkpoint]:
    """Every checkpoint by size, its signature checked and its columns equal to its signed note."""
    last = -1
    while True:
        query = select(AuditCheckpoint).where(AuditCheckpoint.size > last).order_by(AuditCheckpoint.size)
        rows = list(session.scalars(query.limit(_PAGE), execution_options={"populate_existing": True}))
        for row in rows:
            try:
                checkpoint = open_checkpoint(row.note, verifier)
            except ProofError as error:
                raise LogTampered(f"checkpoint {row.size}", str(error)) from error
            if (checkpoint.size, checkpoint.root) != (row.size, row.root):
                raise LogTampered(f"checkpoint {row.size}", "its columns differ from its signed note")
            last = row.size
            yield checkpoint
        if not rows:
            return


def _require_root(checkpoint: Checkpoint, tree: CompactRange, row: str) -> None:
    if checkpoint.root != tree.root():
        raise LogTampered(row, "the entries do not lead to its root")


def _require_end(tree: CompactRange, head: Checkpoint | None, remembered: Checkpoint | None) -> None:
    for checkpoint in (head, remembered):
        if checkpoint is not None and checkpoint.size > tree.size:
            raise LogTampered(
                f"checkpoint {checkpoint.size}", f"only {tree.size} entries are left of those it signs for"
            )


def _require_covered(session: Session, size: int, checkpoints: int) -> None:
    newest = session.scalar(select(func.max(AuditCheckpoint.size)))
    if (size or checkpoints) and newest != size:
        event = session.scalar(select(AuditEvent.id).where(AuditEvent.leaf_index == (newest or 0)))
        raise LogTampered(f"event {event}", "it has a place in the tree that no checkpoint covers")
