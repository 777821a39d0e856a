"""One request's bytes on their way into one staged file: written, hashed, made durable, acknowledged."""

from __future__ import annotations

import os
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Final, Protocol

from app.core.db import Database
from app.core.errors import TooLarge
from app.core.identity import Identity
from app.settings import Settings
from app.uploads import queries
from app.uploads.models import Upload
from app.uploads.service import leases, lifecycle
from app.uploads.service.acknowledging import advance
from app.uploads.service.checksums import Checksum
from app.uploads.service.errors import (
    BodyTooLong,
    ChecksumMismatch,
    ConnectionLost,
    StagingFull,
    StagingLost,
    UploadLocked,
    UploadStalled,
    UploadTooLarge,
)
from app.uploads.service.holding import Writing
from app.uploads.service.staging import BLOCK_SIZE, READ_SIZE

STALL_SECONDS: Final = 30.0
# So much may have arrived and not be acknowledged, where the disk is slower than the line, before the line waits for
# it. A loss of power costs the client that much, and whoever wants the upload waits until it is durable.
MOST_BEHIND: Final = 4 * BLOCK_SIZE
# Dozens of threads that write and hash would leave no processor for whoever holds the interpreter's lock, and every
# other request of this process would wait for them: one processor stays free.
AT_WORK: Final = threading.BoundedSemaphore(max(1, len(os.sched_getaffinity(0)) - 1))
INTERRUPTIONS: Final = (ConnectionLost, UploadStalled, UploadLocked, StagingFull)


class Source(Protocol):
    """Where a request's bytes come from."""

    def read_into(self, buffer: memoryview) -> int | None:
        """Fills part of `buffer`; returns how much, 0 at the end, None when nothing came for a short while.

        Raises ConnectionLost.
        """


class Reception:
    """One request's bytes on their way into one held file."""

    def __init__(
        self,
        db: Database,
        settings: Settings,
        identity: Identity,
        upload: Upload,
        writing: Writing,
        checksum: Checksum | None,
    ) -> None:
        self._db = db
        self._settings = settings
        self._identity = identity
        self._upload = upload
        self._writing = writing
        self._file = writing.file
        self._checksum = checksum
        self._chunk = checksum.begin() if checksum else None
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
            self._take(source, length)
        except (ChecksumMismatch, TooLarge):
            self._forget()
            raise
        return self._upload

    def _take(self, source: Source, length: int | None) -> None:
        try:
            self._copy(source, length)
        except INTERRUPTIONS:
            if self._checksum is None:
                self._checkpoint()
            raise
        if self._checksum and self._chunk and self._chunk.digest() != self._checksum.digest:
            raise ChecksumMismatch
        self._checkpoint()

    def _copy(self, source: Source, length: int | None) -> None:
        buffer = memoryview(bytearray(READ_SIZE))
        most = self._upload.length or self._settings.upload_max_bytes
        left = most - self._file.position if length is None else length
        while left:
            got = self._read(source, buffer[: min(left, READ_SIZE)])
            if got == 0:
                if length is None:
                    return
                raise ConnectionLost
            with AT_WORK:
                self._file.append(buffer[:got])
                if self._chunk:
                    self._chunk.update(buffer[:got])
            left -= got
            if self._chunk is None and left and self._is_due():
                self._checkpoint_beside()
        if length is None and self._read(source, buffer[:1]):
            raise BodyTooLong if self._upload.length else UploadTooLarge

    def _read(self, source: Source, buffer: memoryview) -> int:
        deadline = time.monotonic() + STALL_SECONDS
        while True:
            if self._writing.must_let_go():
                raise UploadLocked("Another request took this upload over")
            got = source.read_into(buffer)
            if got is not None:
                return got
            if time.monotonic() > deadline:
                raise UploadStalled

    def _is_due(self) -> bool:
        """Whether to make durable what is new. While the disk is still at it with what came before, more may come."""
        at_it = self._pending is not None and not self._pending.done()
        behind = self._file.position - self._upload.offset
        return self._file.position - self._begun >= BLOCK_SIZE and (not at_it or behind >= MOST_BEHIND)

    def _checkpoint_beside(self) -> None:
        """Starts to make durable and acknowledge what is in the file, while more arrives."""
        self._settle()
        self._pending = self._beside.submit(self._acknowledge, *self._fresh())

    def _checkpoint(self) -> None:
        """Makes durable and acknowledges all that is in the file."""
        self._settle()
        whole = self._upload.length == self._file.position and self._upload.state in queries.OPEN_STATES
        if self._file.position > self._upload.offset or whole:
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
        with self._db.transaction() as session:
            return advance(
                session,
                self._identity,
                self._settings,
                self._upload.id,
                start,
                end,
                blocks,
                writer=self._writing.writer,
            )

    def _forget(self) -> None:
        """Drops what was not acknowledged, unless another request has the upload by now and cuts for itself."""
        with suppress(UploadLocked), self._db.transaction() as session:
            leases.require_writer(session, self._upload.id, self._writing.writer)
            self._file.cut(self._upload.offset)

    def _give_up(self, lost: StagingLost) -> None:
        with self._db.transaction() as session:
            upload = lifecycle.get_upload(session, self._identity, self._upload.id, lock=True)
            lifecycle.reject(session, upload, lost.type.replace("-", "_"), lost.title)
