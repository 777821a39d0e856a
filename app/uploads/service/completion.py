"""What a worker does with an upload once every byte is there: is it what was sent, and what was declared?"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import BinaryIO
from uuid import UUID

from sqlalchemy.orm import Session

from app.core.clock import now
from app.core.db import Database
from app.jobs import defer
from app.storage.base import BlobStore
from app.storage.streams import read_full
from app.uploads import queries
from app.uploads.models import Upload, UploadBlock
from app.uploads.service import lifecycle
from app.uploads.service.received import Received
from app.uploads.service.screening import Refusal, Screen, Screened, screened
from app.uploads.service.staging import BLOCK_SIZE, READ_SIZE, Staging


@dataclass(frozen=True, slots=True)
class Digest:
    """The whole's SHA-256 and length in bytes, and whether each block still hashes to what was received."""

    sha256: bytes
    length: int
    intact: bool


@dataclass(frozen=True, slots=True)
class Stored:
    """Bytes that were received, how to open them, and the SHA-256 of their blocks of `block_size` bytes."""

    open: Callable[[], BinaryIO]
    blocks: Mapping[int, bytes]
    block_size: int


def digest_of(
    files: Iterable[Stored], check: Callable[[], None], sink: Callable[[bytes], None] | None = None
) -> Digest:
    """Reads the files once, one after another, into `sink`. `check` is called now and then and may raise to stop.

    Raises FileNotFoundError, StoreUnavailable.
    """
    whole, length, intact = hashlib.sha256(), 0, True
    for stored in files:
        block, position, size = hashlib.sha256(), 0, stored.block_size
        with stored.open() as source:
            while piece := read_full(
                source, READ_SIZE
            ):  # which divides the block's size, and is full until the end
                check()
                whole.update(piece)
                block.update(piece)
                if sink is not None:
                    sink(piece)
                position += len(piece)
                if position % size == 0:
                    intact &= stored.blocks.get(position // size - 1) == block.digest()
                    block = hashlib.sha256()
        if position % size:
            intact &= stored.blocks.get(position // size) == block.digest()
        length += position
    return Digest(whole.digest(), length, intact)


@dataclass(frozen=True, slots=True)
class _Looking:
    """What it takes to look at one upload, and to decide."""

    db: Database
    received: Received
    screens: Sequence[Screen]
    check: Callable[[], None]

    def whole(self, upload: Upload, blocks: Mapping[int, bytes]) -> None:
        """Looks at a file that came as one."""
        source = Stored(partial(self.received.open, upload), blocks, upload.part_size or BLOCK_SIZE)
        self._conclude(upload, [source])

    def joined(self, upload_id: UUID) -> None:
        """Writes the parts one after another into the file's place, under its lock: a run that was taken for dead and
        lives cannot write into what another one has finished."""
        with self.received.staging.hold(upload_id, insist=False) as file:
            with self.db.transaction() as session:
                upload = _undecided(session, upload_id)
                if upload is None:
                    return
                stored = [
                    Stored(
                        partial(self.received.open, part), queries.block_digests(session, part.id), BLOCK_SIZE
                    )
                    for part in queries.parts_of(session, upload_id)
                ]
            file.resume(0)

            def blocks() -> Iterable[tuple[int, bytes]]:
                file.sync()
                return file.take_blocks(last=True)

            self._conclude(upload, stored, lambda piece: file.append(memoryview(piece)), blocks)

    def _conclude(
        self,
        upload: Upload,
        stored: Iterable[Stored],
        sink: Callable[[bytes], None] | None = None,
        blocks: Callable[[], Iterable[tuple[int, bytes]]] = list,
    ) -> None:
        """Decides, in one transaction; then removes the bytes it ended. `blocks`: those of a file just put together."""
        digest, seen = None, None
        try:
            digest = digest_of(stored, self.check, sink)
            made = list(blocks())
            if _refusal(upload, digest) is None:
                seen = screened(self.screens, partial(self.received.open, upload), upload.size, self.check)
        except FileNotFoundError:
            digest, made = None, []
        with self.db.transaction() as session:
            row = _undecided(session, upload.id, lock=True)
            if row is None:
                return
            session.add_all(UploadBlock(upload_id=row.id, ordinal=n, sha256=sha256) for n, sha256 in made)
            _decide(session, row, digest, seen)
            done = queries.end_parts(session, row.id, now())
            rejected = row.state == "rejected"
        for ended in done:
            self.received.discard(ended, "tus")
        if rejected:
            self.received.discard(upload.id, upload.via)


def complete(
    db: Database,
    staging: Staging,
    upload_id: UUID,
    check: Callable[[], None],
    *,
    store: BlobStore | None = None,
    screens: Sequence[Screen] = (),
) -> None:
    """Verifies a received upload, has it screened and passes it to `recordings.register`, or rejects it; safe to run
    again. A file that was sent in parts is put together on the way.

    Raises UploadLocked while another run does that, ScreenUnavailable, StoreUnavailable: then it is to be tried again.
    """
    with db.transaction() as session:
        upload = _undecided(session, upload_id)
        blocks = queries.block_digests(session, upload_id)
    if upload is None:
        return
    looking = _Looking(db, Received(staging, store), screens, check)
    if upload.kind == "final":
        looking.joined(upload_id)
    else:
        looking.whole(upload, blocks)


def _undecided(session: Session, upload_id: UUID, *, lock: bool = False) -> Upload | None:
    upload = lifecycle.find(session, upload_id, lock=lock)
    waits = upload is not None and upload.state == "received" and upload.sha256 is None
    return upload if waits and upload is not None and upload.kind != "partial" else None


def _refusal(upload: Upload, digest: Digest | None) -> Refusal | None:
    """Why the bytes cannot be kept; None when they are what was sent and declared."""
    if digest is None or not digest.intact or digest.length != upload.length:
        reason = "The bytes were damaged on our side before they could be stored: send the file again"
        return Refusal("damaged_in_staging", reason)
    if upload.declared_sha256 in (None, digest.sha256):
        return None
    found = {"declared": (upload.declared_sha256 or b"").hex(), "received": digest.sha256.hex()}
    reason = "What arrived is not what was declared (SHA-256 differs): send the file again"
    return Refusal("checksum_mismatch", reason, found)


def _decide(session: Session, upload: Upload, digest: Digest | None, seen: Screened | None) -> None:
    refusal = _refusal(upload, digest)
    if digest is not None and digest.intact:
        upload.sha256 = digest.sha256
    refused = refusal or (seen.refusal if seen is not None else None)
    if refused is not None:
        lifecycle.reject(session, upload, refused.code, refused.reason, details=refused.details)
        return
    if seen is not None and seen.verdicts:
        lifecycle.note_screened(session, upload, [verdict.as_details() for verdict in seen.verdicts])
    defer(session, "recordings.register", upload_id=upload.id)
