"""Where the bytes of unfinished uploads wait: one file each, one writer each, a digest for each block.

The writer holds an advisory lock (flock) on the file. Whoever else needs the upload leaves a note beside it
(`<id>.release`), which the writer looks for after every read: a client that lost its connection gets its upload
back at once although the server still listens to the dead one (tusd, `docs/_advanced-topics/locks.md`).
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from uuid import UUID

from app.uploads.service.errors import StagingFull, StagingLost, UploadLocked

BLOCK_SIZE: Final = 64 * 2**20
READ_SIZE: Final = 2**20
STALE_SECONDS: Final = 2.0  # a writer that wrote nothing for so long must let go for another writer
PATIENCE_SECONDS: Final = 10.0
WRITER_PATIENCE_SECONDS: Final = 3.0  # of a second writer, so that a cut connection is noticed meanwhile
# From this length on hashing goes on beside writing: the interpreter's lock is free in both.
ASIDE_SIZE: Final = 256 * 2**10
_HASHING: Final = ThreadPoolExecutor(thread_name_prefix="hash")
_POLL_SECONDS: Final = 0.02
_ASK_SECONDS: Final = 0.5


class StagedFile:
    """The bytes of one upload, held by one writer. `position` is how many there are."""

    def __init__(self, descriptor: int, release_note: Path) -> None:
        self._descriptor = descriptor
        self._release_note = release_note
        self._block = hashlib.sha256()
        self._named = False  # the directory's entry is durable
        self.position = 0
        self.finished_blocks: list[tuple[int, bytes]] = []

    def resume(self, offset: int) -> None:
        """Goes on from `offset`: what lies beyond was never acknowledged and is cut; the open block is re-hashed.

        Raises StagingLost when fewer bytes are there than were acknowledged.
        """
        if os.fstat(self._descriptor).st_size < offset:
            raise StagingLost
        self.cut(offset)
        self._named = offset > 0
        self.finished_blocks.clear()
        self._block = hashlib.sha256()
        self.position = offset - offset % BLOCK_SIZE
        while self.position < offset:
            piece = os.pread(self._descriptor, min(READ_SIZE, offset - self.position), self.position)
            self._block.update(piece)
            self.position += len(piece)

    def cut(self, offset: int) -> None:
        """Drops the bytes from `offset` on, which were not acknowledged and never will be."""
        os.ftruncate(self._descriptor, offset)

    def append(self, data: memoryview) -> None:
        """Writes all of `data` and hashes it block by block. Raises StagingFull."""
        while data:
            part = data[: BLOCK_SIZE - self.position % BLOCK_SIZE]
            self._write_and_hash(part)
            self.position += len(part)
            data = data[len(part) :]
            if self.position % BLOCK_SIZE == 0:
                self.finished_blocks.append((self.position // BLOCK_SIZE - 1, self._block.digest()))
                self._block = hashlib.sha256()

    def _write_and_hash(self, part: memoryview) -> None:
        """Both at once where that is worth waking a thread. A block whose bytes were not all written is not used."""
        if len(part) < ASIDE_SIZE:
            self._write(part)
            self._block.update(part)
            return
        hashed = _HASHING.submit(self._block.update, part)
        try:
            self._write(part)
        finally:
            hashed.result()

    def _write(self, data: memoryview) -> None:
        place = self.position
        try:
            while data:
                written = os.pwrite(self._descriptor, data, place)
                data, place = data[written:], place + written
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
                raise StagingFull from error
            raise

    def take_blocks(self, *, last: bool = False) -> list[tuple[int, bytes]]:
        """(ordinal, SHA-256) of the blocks that filled up since the last call; with `last` the open one too."""
        taken, self.finished_blocks = self.finished_blocks, []
        if last and self.position % BLOCK_SIZE:
            taken.append((self.position // BLOCK_SIZE, self._block.digest()))
        return taken

    def sync(self) -> None:
        """Returns once the bytes survive a loss of power. Raises StagingFull."""
        try:
            os.fdatasync(self._descriptor)
            if not self._named:
                _sync_directory(self._release_note.parent)
                self._named = True
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise StagingFull from error
            raise

    def release_requested(self) -> bool:
        """True when another request waits for this upload."""
        return self._release_note.exists()


class Staging:
    """The directory of unfinished uploads, 0700; it must be one that every process of the service sees."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def path(self, upload_id: UUID) -> Path:
        return self.directory / str(upload_id)

    def _note(self, upload_id: UUID) -> Path:
        return self.directory / f"{upload_id}.release"

    @contextmanager
    def hold(
        self, upload_id: UUID, *, insist: bool, ask: Callable[[], None] = lambda: None
    ) -> Iterator[StagedFile]:
        """The file with its lock. `insist` makes any present writer let go (the client asks where to resume);
        otherwise only one that has stalled must, and one whose connection was cut is waited for. `ask` is
        called beside each note, for a writer who would see that late. Raises UploadLocked when it does not let go."""
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = self._lock(upload_id, insist, ask)
        try:
            self._note(upload_id).unlink(missing_ok=True)
            yield StagedFile(descriptor, self._note(upload_id))
        finally:
            os.close(descriptor)

    def _lock(self, upload_id: UUID, insist: bool, ask: Callable[[], None]) -> int:
        deadline = time.monotonic() + (PATIENCE_SECONDS if insist else WRITER_PATIENCE_SECONDS)
        ask_after = 0.0
        while True:
            descriptor = os.open(self.path(upload_id), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            if self._try_lock(descriptor, upload_id):
                return descriptor
            idle = time.time() - os.fstat(descriptor).st_mtime
            os.close(descriptor)
            if time.monotonic() > deadline:
                raise UploadLocked
            if insist or idle > STALE_SECONDS:
                self._note(upload_id).touch(mode=0o600)
                if time.monotonic() > ask_after:
                    ask()
                    ask_after = time.monotonic() + _ASK_SECONDS
            time.sleep(_POLL_SECONDS)

    def _try_lock(self, descriptor: int, upload_id: UUID) -> bool:
        """Locks the file, unless somebody else holds it or removed it between opening and locking."""
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return os.path.samestat(os.fstat(descriptor), self.path(upload_id).stat())
        except (BlockingIOError, FileNotFoundError):
            return False

    def idle_seconds(self, upload_id: UUID) -> float:
        """For how long nothing has been written."""
        return time.time() - self.path(upload_id).stat().st_mtime

    def discard(self, upload_id: UUID) -> None:
        """Removes the bytes; nothing there is no error."""
        self.path(upload_id).unlink(missing_ok=True)
        self._note(upload_id).unlink(missing_ok=True)

    def listed(self) -> list[UUID]:
        """Every upload that has bytes here."""
        if not self.directory.is_dir():
            return []
        names = (path.name for path in self.directory.iterdir() if path.suffix == "")
        return [UUID(name) for name in names if len(name) == 36]


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
