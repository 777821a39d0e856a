"""Objects as files in one private directory: the default for one machine."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

from app.storage.base import (
    READ_SIZE,
    BlobNotFound,
    InvalidKey,
    StoreUnavailable,
    check_folder,
    check_key,
    check_range,
)
from app.storage.streams import PieceReader, as_binary

_INCOMING = ".incoming"  # no key may begin with a dot, so nothing unfinished is ever listed or read
UNFINISHED_SECONDS = 24 * 3600


class LocalStore:
    """Files 0600 in directories 0700 under `root`, written aside, synced, then renamed into place."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._incoming = root / _INCOMING
        self._discard_unfinished()

    def put(self, key: str, source: BinaryIO) -> int:
        path = self._path(key)
        part = self._incoming / uuid4().hex
        try:
            _make_directories(self._incoming)
            _make_directories(path.parent)
            length = _write_synced(part, source)
            part.replace(path)
            _sync_directory(path.parent)
        except (IsADirectoryError, NotADirectoryError, FileExistsError) as error:
            raise InvalidKey(f"another object is in the way of {key!r}") from error
        except OSError as error:
            raise StoreUnavailable("The disk refused the write") from error
        finally:
            part.unlink(missing_ok=True)
        return length

    def read(self, key: str, start: int = 0, end: int | None = None) -> BinaryIO:
        check_range(start, end)
        try:
            file = self._path(key).open("rb", buffering=0)
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            raise BlobNotFound(key) from None
        if start:
            file.seek(start)

        def pieces() -> Iterator[bytes]:
            left = None if end is None else end - start
            while piece := file.read(READ_SIZE if left is None else min(READ_SIZE, left)):
                left = None if left is None else left - len(piece)
                yield piece

        return as_binary(PieceReader(pieces(), file.close))

    def size(self, key: str) -> int:
        path = self._path(key)
        if not path.is_file():
            raise BlobNotFound(key)
        return path.stat().st_size

    def exists(self, key: str) -> bool:
        return self._path(key).is_file()

    def delete(self, key: str) -> None:
        path = self._path(key)
        if path.is_file():
            path.unlink(missing_ok=True)
            _sync_directory(path.parent)

    def purge(self, prefix: str) -> int:
        keys = list(self.list(check_folder(prefix)))
        for key in keys:
            self.delete(key)
        return len(keys)

    def list(self, prefix: str = "") -> Iterator[str]:
        found = []
        for directory, names, files in os.walk(self.root):
            names[:] = [name for name in names if name != _INCOMING]
            base = Path(directory).relative_to(self.root)
            found += [key for name in files if (key := (base / name).as_posix()).startswith(prefix)]
        yield from sorted(found)

    @property
    def incoming(self) -> None:
        return None

    def _discard_unfinished(self) -> None:
        """Removes what processes that died left half-written: whatever was begun more than a day ago."""
        for part in self._incoming.glob("*"):
            with suppress(FileNotFoundError):  # another process may be doing the same
                if time.time() - part.stat().st_mtime > UNFINISHED_SECONDS:
                    part.unlink()

    def _path(self, key: str) -> Path:
        return self.root / check_key(key)


def _make_directories(directory: Path) -> None:
    """Makes what is missing of the path, each 0700 (`parents=True` would not) and each recorded on disk."""
    missing = []
    while not directory.is_dir():
        missing.append(directory)
        directory = directory.parent
    for path in reversed(missing):
        path.mkdir(mode=0o700, exist_ok=True)
        _sync_directory(path.parent)


def _write_synced(path: Path, source: BinaryIO) -> int:
    length = 0
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "wb", buffering=0) as file:
        while piece := source.read(READ_SIZE):
            view = memoryview(piece)
            while view:
                view = view[file.write(view) :]
            length += len(piece)
        os.fsync(file.fileno())
    return length


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
