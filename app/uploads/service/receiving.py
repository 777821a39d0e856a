"""Receiving an upload's bytes, so that no acknowledged byte is ever lost.

Bytes are written, hashed and made durable (fdatasync), and only then is the new offset committed: after each block
of 64 MiB, beside the next block's arrival, and at the end of the request, however it ended. The database's offset is
the truth; a file that is longer is cut to it. No transaction stays open while bytes travel.
"""

from __future__ import annotations

import hashlib
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final, Protocol
from uuid import UUID

from app.core.db import Database
from app.core.identity import Identity
from app.settings import Settings
from app.uploads import queries
from app.uploads.models import Upload
from app.uploads.service import lifecycle
from app.uploads.service.acknowledging import advance
from app.uploads.service.errors import (
    BodyTooLong,
    ChecksumMismatch,
    ConnectionLost,
    StagingFull,
    StagingLost,
    UploadLocked,
    UploadStalled,
    WrongOffset,
)
from app.uploads.service.staging import BLOCK_SIZE, READ_SIZE, StagedFile, Staging

STALL_SECONDS: Final = 30.0
CHECKSUMS: Final = ("sha1", "sha256")
INTERRUPTIONS: Final = (ConnectionLost, UploadStalled, UploadLocked, StagingFull)


class Source(Protocol):
    """Where a request's bytes come from."""

    def read_into(self, buffer: memoryview) -> int | None:
        """Fills part of `buffer`; returns how much, 0 at the end, None when nothing came for a short while.

        Raises ConnectionLost.
        """


@dataclass(frozen=True, slots=True)
class Checksum:
    """What the bytes of one request must hash to; `algorithm` is one of CHECKSUMS."""

    algorithm: str
    digest: bytes


@dataclass(frozen=True, slots=True)
class Receiver:
    """What receiving needs of the running service."""

    db: Database
    settings: Settings
    staging: Staging

    def receive(
        self,
        identity: Identity,
        upload_id: UUID,
        *,
        offset: int,
        length: int | None,
        source: Source,
        checksum: Checksum | None = None,
    ) -> Upload:
        """Appends the source's bytes (`length` of them where the client says it) at `offset`; returns the row.

        With a checksum it is all or nothing; without, what arrived before an interruption is kept. Raises
        NotFound, UploadGone, WrongOffset, BodyTooLong, ChecksumMismatch, UploadLocked, UploadStalled,
        ConnectionLost, StagingFull, StagingLost.
        """
        upload = self._check(identity, upload_id, offset, length)
        if upload.state not in queries.OPEN_STATES:
            return upload
        with self.staging.hold(upload_id, insist=False) as file:
            upload = self._check(identity, upload_id, offset, length)
            if upload.state not in queries.OPEN_STATES:
                return upload
            return _Reception(self, identity, upload, file, checksum).run(source, length)

    def _check(self, identity: Identity, upload_id: UUID, offset: int, length: int | None) -> Upload:
        with self.db.transaction() as session:
            upload = lifecycle.get_upload(session, identity, upload_id)
            lifecycle.require_present(upload)
        if upload.offset != offset:
            raise WrongOffset(f"The upload goes on at {upload.offset}", offset=upload.offset)
        if length is not None and offset + length > upload.length:
            raise BodyTooLong(f"{upload.length - offset} bytes are missing and {length} were announced")
        return upload

    def offset(self, identity: Identity, upload_id: UUID) -> Upload:
        """The row with an offset that holds: a request still writing is made to let go first. Raises UploadLocked."""
        with self.db.transaction() as session:
            upload = lifecycle.get_upload(session, identity, upload_id)
            lifecycle.require_present(upload)
        if upload.state not in queries.OPEN_STATES or not self.staging.path(upload_id).exists():
            return upload
        with self.staging.hold(upload_id, insist=True), self.db.transaction() as session:
            return lifecycle.get_upload(session, identity, upload_id)

    def terminate(self, identity: Identity, upload_id: UUID) -> None:
        """Ends an unfinished upload, making a request that still writes let go. Raises AlreadyReceived, UploadGone."""
        with self.db.transaction() as session:
            lifecycle.require_present(lifecycle.get_upload(session, identity, upload_id))
        with self.staging.hold(upload_id, insist=True), self.db.transaction() as session:
            lifecycle.terminate(session, identity, upload_id)
        self.staging.discard(upload_id)


class _Reception:
    """One request's bytes on their way into one held file."""

    def __init__(
        self,
        receiver: Receiver,
        identity: Identity,
        upload: Upload,
        file: StagedFile,
        checksum: Checksum | None,
    ) -> None:
        self._receiver = receiver
        self._identity = identity
        self._upload = upload
        self._file = file
        self._checksum = checksum
        self._chunk = hashlib.new(checksum.algorithm) if checksum else None
        self._begun = upload.offset  # up to here bytes are acknowledged, or about to be
        self._pending: Future[Upload] | None = None

    def run(self, source: Source, length: int | None) -> Upload:
        with ThreadPoolExecutor(max_workers=1, thread_name_prefix="checkpoint") as self._beside:
            return self._run(source, length)

    def _run(self, source: Source, length: int | None) -> Upload:
        try:
            self._file.resume(self._upload.offset)
        except StagingLost as lost:
            self._give_up(lost)
            raise
        try:
            self._copy(source, length)
        except INTERRUPTIONS:
            if self._checksum is None:
                self._checkpoint()
            raise
        if self._checksum and self._chunk and self._chunk.digest() != self._checksum.digest:
            raise ChecksumMismatch
        self._checkpoint()
        return self._upload

    def _copy(self, source: Source, length: int | None) -> None:
        buffer = memoryview(bytearray(READ_SIZE))
        room = self._upload.length - self._file.position
        left = room if length is None else length
        while left:
            got = self._read(source, buffer[: min(left, READ_SIZE)])
            if got == 0:
                if length is None:
                    return
                raise ConnectionLost
            self._file.append(buffer[:got])
            if self._chunk:
                self._chunk.update(buffer[:got])
            elif self._file.position - self._begun >= BLOCK_SIZE and left > got:
                self._checkpoint_beside()
            left -= got
        if length is None and self._read(source, buffer[:1]):
            raise BodyTooLong

    def _read(self, source: Source, buffer: memoryview) -> int:
        deadline = time.monotonic() + STALL_SECONDS
        while True:
            if self._file.release_requested():
                raise UploadLocked("Another request took this upload over")
            got = source.read_into(buffer)
            if got is not None:
                return got
            if time.monotonic() > deadline:
                raise UploadStalled

    def _checkpoint_beside(self) -> None:
        """Starts to make durable and acknowledge what is in the file, while more arrives."""
        self._settle()
        self._pending = self._beside.submit(self._acknowledge, *self._fresh())

    def _checkpoint(self) -> None:
        """Makes durable and acknowledges all that is in the file."""
        self._settle()
        if self._file.position > self._upload.offset:
            self._upload = self._acknowledge(*self._fresh())

    def _settle(self) -> None:
        if self._pending is not None:
            pending, self._pending = self._pending, None
            self._upload = pending.result()

    def _fresh(self) -> tuple[int, int, list[tuple[int, bytes]]]:
        start, self._begun = self._begun, self._file.position
        return start, self._begun, self._file.take_blocks(last=self._begun == self._upload.length)

    def _acknowledge(self, start: int, end: int, blocks: list[tuple[int, bytes]]) -> Upload:
        self._file.sync()
        receiver = self._receiver
        with receiver.db.transaction() as session:
            return advance(session, self._identity, receiver.settings, self._upload.id, start, end, blocks)

    def _give_up(self, lost: StagingLost) -> None:
        with self._receiver.db.transaction() as session:
            upload = lifecycle.get_upload(session, self._identity, self._upload.id, lock=True)
            lifecycle.reject(session, upload, lost.type.replace("-", "_"), lost.title)
