"""What a worker does with an upload once every byte is there: is it what was sent, and what was declared?"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from sqlalchemy.orm import Session

from app.core.clock import now
from app.core.db import Database
from app.jobs import defer
from app.uploads import queries
from app.uploads.models import Upload, UploadBlock
from app.uploads.service import lifecycle
from app.uploads.service.staging import BLOCK_SIZE, READ_SIZE, Staging


@dataclass(frozen=True, slots=True)
class Digest:
    """The whole's SHA-256 and length, and whether each block still hashes to what was received."""

    sha256: bytes
    length: int
    intact: bool


@dataclass(frozen=True, slots=True)
class Stored:
    """A staged file, and the SHA-256 of its blocks as they were received."""

    path: Path
    blocks: Mapping[int, bytes]


def digest_files(
    files: Iterable[Stored], check: Callable[[], None], sink: Callable[[memoryview], None] | None = None
) -> Digest:
    """Reads the files once, one after another, into `sink`. `check` is called now and then and may raise to stop.

    Raises FileNotFoundError.
    """
    whole, length, intact = hashlib.sha256(), 0, True
    for stored in files:
        block, position = hashlib.sha256(), 0
        for piece in _pieces(stored.path):
            check()
            whole.update(piece)
            block.update(piece)  # READ_SIZE divides BLOCK_SIZE, and a regular file reads full until its end
            if sink is not None:
                sink(piece)
            position += len(piece)
            if position % BLOCK_SIZE == 0:
                intact &= stored.blocks.get(position // BLOCK_SIZE - 1) == block.digest()
                block = hashlib.sha256()
        if position % BLOCK_SIZE:
            intact &= stored.blocks.get(position // BLOCK_SIZE) == block.digest()
        length += position
    return Digest(whole.digest(), length, intact)


def _pieces(path: Path) -> Iterator[memoryview]:
    """The file's bytes in one buffer, used again for each piece."""
    buffer = memoryview(bytearray(READ_SIZE))
    with open(path, "rb", buffering=0) as file:
        while got := file.readinto(buffer):
            yield buffer[:got]


def complete(db: Database, staging: Staging, upload_id: UUID, check: Callable[[], None]) -> None:
    """Verifies a received upload and passes it to `recordings.register`, or rejects it; safe to run again.

    A file that was sent in parts is put together on the way. Raises UploadLocked while another run does that.
    """
    with db.transaction() as session:
        upload = _undecided(session, upload_id)
        blocks = queries.block_digests(session, upload_id)
    if upload is None:
        return
    if upload.kind == "final":
        _complete_joined(db, staging, upload_id, check)
        return
    _conclude(
        db,
        staging,
        upload_id,
        _digest(lambda: digest_files([Stored(staging.path(upload_id), blocks)], check)),
    )


def _complete_joined(db: Database, staging: Staging, upload_id: UUID, check: Callable[[], None]) -> None:
    """Writes the parts one after another into the file's place, under its lock: a run that was taken for dead and
    lives cannot write into what another one has finished."""
    with staging.hold(upload_id, insist=False) as file:
        with db.transaction() as session:
            if _undecided(session, upload_id) is None:
                return
            stored = [
                Stored(staging.path(part.id), queries.block_digests(session, part.id))
                for part in queries.parts_of(session, upload_id)
            ]
        file.resume(0)
        digest = _digest(lambda: digest_files(stored, check, file.append))
        file.sync()
        _conclude(db, staging, upload_id, digest, file.take_blocks(last=True))


def _digest(take: Callable[[], Digest]) -> Digest | None:
    try:
        return take()
    except FileNotFoundError:
        return None


def _undecided(session: Session, upload_id: UUID, *, lock: bool = False) -> Upload | None:
    upload = lifecycle.find(session, upload_id, lock=lock)
    waits = upload is not None and upload.state == "received" and upload.sha256 is None
    return upload if waits and upload is not None and upload.kind != "partial" else None


def _conclude(
    db: Database,
    staging: Staging,
    upload_id: UUID,
    digest: Digest | None,
    blocks: Iterable[tuple[int, bytes]] = (),
) -> None:
    """Decides, in one transaction; then removes the bytes it ended. `blocks`: those of a file just put together."""
    with db.transaction() as session:
        upload = _undecided(session, upload_id, lock=True)
        if upload is None:
            return
        session.add_all(UploadBlock(upload_id=upload_id, ordinal=n, sha256=sha256) for n, sha256 in blocks)
        _decide(session, upload, digest)
        done = queries.end_parts(session, upload_id, now())
        rejected = upload.state == "rejected"
    for ended in [*done, *([upload_id] if rejected else [])]:
        staging.discard(ended)


def _decide(session: Session, upload: Upload, digest: Digest | None) -> None:
    if digest is None or not digest.intact or digest.length != upload.length:
        reason = "The bytes were damaged on our side before they could be stored: send the file again"
        lifecycle.reject(session, upload, "damaged_in_staging", reason)
        return
    upload.sha256 = digest.sha256
    if upload.declared_sha256 is not None and upload.declared_sha256 != digest.sha256:
        found = {"declared": upload.declared_sha256.hex(), "received": digest.sha256.hex()}
        reason = "What arrived is not what was declared (SHA-256 differs): send the file again"
        lifecycle.reject(session, upload, "checksum_mismatch", reason, details=found)
        return
    defer(session, "recordings.register", upload_id=upload.id)
