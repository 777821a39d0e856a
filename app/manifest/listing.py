"""manifest.jsonl: every file of a release with its length and SHA-256. Two people's signatures rest on it.

One canonical line a file, sorted by path. It lists the shards, the clip index and whatever else the release
carries, but not release.json (which names the manifest's own digest) nor itself.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from app.manifest import canonical
from app.manifest.errors import FormatError

_PATH = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*")
_MAX_PATH = 200


@dataclass(frozen=True, slots=True, order=True)
class FileEntry:
    """A target: `path` relative to the repository, `length` in bytes, `sha256` in hex."""

    path: str
    length: int
    sha256: str

    @classmethod
    def of_bytes(cls, path: str, data: bytes) -> FileEntry:
        return cls(check_path(path), len(data), hashlib.sha256(data).hexdigest())


def check_path(path: str) -> str:
    """`path` itself. Raises FormatError for one that could leave its directory or differ between systems."""
    if len(path) > _MAX_PATH or not _PATH.fullmatch(path):
        raise FormatError(f"{path[:_MAX_PATH]!r} is not a path that a release may hold")
    return path


def encode_manifest(entries: Iterable[FileEntry]) -> bytes:
    """The canonical manifest.jsonl. Raises FormatError for a path that is unsafe or stands twice."""
    ordered = sorted(entries)
    _check_unique(ordered)
    return canonical.encode_lines(
        {"path": check_path(entry.path), "length": entry.length, "sha256": entry.sha256} for entry in ordered
    )


def parse_manifest(data: bytes) -> tuple[FileEntry, ...]:
    """The entries, by path. Raises FormatError unless `data` is what `encode_manifest` would write."""
    entries = tuple(_parse(data))
    if any(later.path <= earlier.path for earlier, later in pairwise(entries)):
        raise FormatError("manifest.jsonl: the paths are not in order, or one stands twice")
    return entries


def _parse(data: bytes) -> Iterator[FileEntry]:
    for number, document in enumerate(canonical.decode_lines(data, "manifest.jsonl"), start=1):
        fields = canonical.Fields(document, f"manifest.jsonl, line {number}")
        entry = FileEntry(check_path(fields.text("path")), fields.count("length"), fields.sha256())
        fields.end()
        yield entry


def _check_unique(ordered: list[FileEntry]) -> None:
    for earlier, later in pairwise(ordered):
        if earlier.path == later.path:
            raise FormatError(f"{later.path!r} stands twice in the manifest")
