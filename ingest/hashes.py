"""Digests of files, read in a stream so that size does not matter."""

from __future__ import annotations

import hashlib
from pathlib import Path

_BLOCK = 1 << 20


def digests_of(path: Path, *algorithms: str) -> dict[str, str]:
    """Return `{algorithm: hex digest}` of a file, read once. Raises OSError, or ValueError for an unknown name."""
    hashers = {name: hashlib.new(name, usedforsecurity=False) for name in algorithms}
    with path.open("rb") as stream:
        while block := stream.read(_BLOCK):
            for hasher in hashers.values():
                hasher.update(block)
    return {name: hasher.hexdigest() for name, hasher in hashers.items()}


def sha256_of(path: Path) -> str:
    """SHA-256 of a file as 64 lower-case hex digits."""
    return digests_of(path, "sha256")["sha256"]
