"""Packs samples into WebDataset shards so that the same samples always give the same bytes.

A shard is a plain USTAR tar (POSIX.1-1988) with modification time 0, owner 0, mode 0644 and two zero blocks at
its end. A sample's members lie side by side as `<key>.<ext>`, sorted by extension; samples come in ascending key order.
Index and hashes are made in the same pass, one chunk in memory at a time, so range reads verify clip by clip.
"""

from __future__ import annotations

import hashlib
import io
import re
import tarfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from app.manifest.errors import FormatError

DEFAULT_SHARD_BYTES = 256 * 2**20
_BLOCK = 512
_CHUNK = 1 << 20
_MAX_MEMBER = 8 * 2**30 - 1  # USTAR's eleven octal digits
_KEY = re.compile(r"[A-Za-z0-9_-]{1,80}")
_EXT = re.compile(r"[a-z0-9]{1,8}(\.[a-z0-9]{1,8})?")

Sink = Callable[[str], AbstractContextManager[BinaryIO]]
"""Opens the file that a shard of this path is written to."""


@dataclass(frozen=True, slots=True)
class Member:
    """One file of a sample: `size` bytes, read once from what `open` returns."""

    ext: str
    size: int
    open: Callable[[], BinaryIO]

    @classmethod
    def of_bytes(cls, ext: str, data: bytes) -> Member:
        return cls(ext, len(data), lambda: io.BytesIO(data))

    @classmethod
    def of_file(cls, ext: str, path: Path) -> Member:
        return cls(ext, path.stat().st_size, lambda: path.open("rb"))


@dataclass(frozen=True, slots=True)
class Sample:
    """What a training loop receives as one item; `key` is the clip's id."""

    key: str
    members: tuple[Member, ...]


@dataclass(frozen=True, slots=True)
class IndexEntry:
    """Where a member's bytes lie inside its shard (`offset` is past its header), and what they must be."""

    key: str
    ext: str
    offset: int
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Shard:
    """A finished shard: its target path, length, hex SHA-256 and index in file order."""

    path: str
    length: int
    sha256: str
    entries: tuple[IndexEntry, ...]


def shard_path(number: int) -> str:
    """The target path of shard `number`: `shards/000000.tar` and on."""
    return f"shards/{number:06d}.tar"


def directory_sink(directory: Path) -> Sink:
    """Writes `shards/NNNNNN.tar` below `directory`."""

    def open_shard(path: str) -> BinaryIO:
        file = directory / path
        file.parent.mkdir(parents=True, exist_ok=True)
        return file.open("wb")

    return open_shard


def pack_shards(
    samples: Iterable[Sample], sink: Sink, *, max_bytes: int = DEFAULT_SHARD_BYTES, first: int = 0
) -> Iterator[Shard]:
    """Writes the samples into shards of at most `max_bytes` (or one sample) and yields each once it is closed.

    Raises FormatError when keys do not ascend, a name cannot stand in a WebDataset, or a member's bytes are
    more or fewer than its stated size.
    """
    remaining = _checked(samples)
    sample = next(remaining, None)
    number = first
    while sample is not None:
        path = shard_path(number)
        with sink(path) as file:
            writer = _Writer(file)
            while sample is not None and (
                not writer.entries or writer.position + _space(sample) <= max_bytes
            ):
                writer.add(sample)
                sample = next(remaining, None)
            writer.finish()
        yield Shard(path, writer.position, writer.digest.hexdigest(), tuple(writer.entries))
        number += 1


def _checked(samples: Iterable[Sample]) -> Iterator[Sample]:
    previous = ""
    for sample in samples:
        if not _KEY.fullmatch(sample.key):
            raise FormatError(f"{sample.key!r} cannot be a sample's key: use letters, digits, '-' and '_'")
        if sample.key <= previous:
            raise FormatError(
                f"samples must come in ascending order of key: {sample.key!r} after {previous!r}"
            )
        extensions = [member.ext for member in sample.members]
        if not extensions or len(set(extensions)) != len(extensions):
            raise FormatError(f"sample {sample.key!r} needs members, each of an extension of its own")
        for member in sample.members:
            if not _EXT.fullmatch(member.ext) or not 0 <= member.size <= _MAX_MEMBER:
                raise FormatError(
                    f"sample {sample.key!r}: {member.ext!r} of {member.size} bytes cannot be packed"
                )
        previous = sample.key
        yield sample


def _padding(size: int) -> int:
    return -size % _BLOCK


def _space(sample: Sample) -> int:
    """Bytes that the sample adds, with the two blocks that end the shard."""
    return sum(_BLOCK + member.size + _padding(member.size) for member in sample.members) + 2 * _BLOCK


@dataclass
class _Writer:
    file: BinaryIO
    position: int = 0
    entries: list[IndexEntry] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.digest = hashlib.sha256()

    def add(self, sample: Sample) -> None:
        for member in sorted(sample.members, key=lambda member: member.ext):
            header = tarfile.TarInfo(f"{sample.key}.{member.ext}")
            header.size, header.mode, header.mtime = member.size, 0o644, 0
            self._write(header.tobuf(tarfile.USTAR_FORMAT))
            offset = self.position
            sha256 = self._copy(sample.key, member)
            self._write(bytes(_padding(member.size)))
            self.entries.append(IndexEntry(sample.key, member.ext, offset, member.size, sha256))

    def finish(self) -> None:
        self._write(bytes(2 * _BLOCK))

    def _copy(self, key: str, member: Member) -> str:
        digest = hashlib.sha256()
        left = member.size
        with member.open() as source:
            while chunk := source.read(min(_CHUNK, left + 1)):
                left -= len(chunk)
                if left < 0:
                    break
                digest.update(chunk)
                self._write(chunk)
        if left != 0:
            raise FormatError(f"sample {key!r}: the {member.ext} is not {member.size} bytes long")
        return digest.hexdigest()

    def _write(self, data: bytes) -> None:
        self.file.write(data)
        self.digest.update(data)
        self.position += len(data)
