"""A folder into which others put files: which of them are whole.

It is looked at again and again rather than watched by the kernel: notifications do not tell of what other machines
write to a network share, which is what drop folders are, and one stat a file every few seconds costs nothing.
"""

from __future__ import annotations

import errno
import fcntl
from collections.abc import Callable
from pathlib import Path
from typing import Final

from app.client.upload.footage import Candidate, judge, walk

# How programs name what they are still copying or downloading.
UNFINISHED: Final = (".part", ".partial", ".tmp", ".temp", ".crdownload", ".filepart", ".download", ".!ut")

Shape = tuple[int, int]
UNREAD: Final[Shape] = (-1, 0)


def shape_of(path: Path) -> Shape | None:
    """(size in bytes, mtime in ns); None when it is gone."""
    try:
        facts = path.stat()
    except OSError:
        return None
    return facts.st_size, facts.st_mtime_ns


class DropFolder:
    """`done` is left out, should it lie inside."""

    def __init__(self, folder: Path, done: Path | None) -> None:
        self.folder = folder
        self._done = done.resolve() if done else None
        self._before: dict[Path, Shape] = {}

    def at_rest(self, due: Callable[[Path, Shape], bool]) -> list[tuple[Candidate, Shape]]:
        """Of what is `due`: what was the same at the last look, too, and is not open for writing.

        What cannot be read is given as `failed`.
        """
        now: dict[Path, Shape] = {}
        rested: list[tuple[Candidate, Shape]] = []
        for found in sorted(walk(self.folder), key=lambda one: one.path):
            if found.failed:
                rested += [(found, UNREAD)] if due(found.path, UNREAD) else []
            elif self._counts(found.path) and (shape := shape_of(found.path)):
                now[found.path] = shape
                at_rest = self._before.get(found.path) == shape and due(found.path, shape)
                if at_rest and not is_open_for_writing(found.path):
                    rested.append((judge(found.path, found.name), shape))
        self._before = now
        return rested

    def has(self, path: Path) -> bool:
        """Whether the file was there at the last look."""
        return path in self._before

    def _counts(self, path: Path) -> bool:
        if path.suffix.lower() in UNFINISHED:
            return False
        return self._done is None or not path.resolve().is_relative_to(self._done)


def is_open_for_writing(path: Path) -> bool:
    """Whether a program on this machine still writes, which Linux tells who asks for a lease.

    False where there are no leases (network shares, other people's files): there, being at rest must do. The caller
    ignores SIGIO, which the kernel sends to holders of leases.
    """
    if not hasattr(fcntl, "F_SETLEASE"):
        return False
    try:
        with path.open("rb") as file:
            fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_RDLCK)
            fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except OSError as error:
        return error.errno == errno.EAGAIN
    return False


def move_done(path: Path, folder: Path, done: Path) -> Path:
    """Moves a file to the same place below `done`, in one step; a name that is taken gets a number. Raises OSError."""
    wanted = done / path.relative_to(folder)
    wanted.parent.mkdir(parents=True, exist_ok=True)
    target, number = wanted, 1
    while target.exists():
        number += 1
        target = wanted.with_name(f"{wanted.stem}-{number}{wanted.suffix}")
    path.rename(target)
    return target
