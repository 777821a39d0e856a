"""Hashing a file while it is read: the SHA-256 that the service wants, and what a manifest gave."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Final

# Strongest last. MD5 and SHA-1 find accidents only; that is what such manifests are for.
ALGORITHMS: Final = ("md5", "sha1", "sha256", "sha512")
_READ = 2**20


class Digests:
    """`expected`: algorithm → hex digits."""

    def __init__(self, expected: Mapping[str, str]) -> None:
        self._expected = expected
        names = {"sha256", *expected}
        self._running = {name: hashlib.new(name, usedforsecurity=False) for name in sorted(names)}

    def update(self, data: bytes) -> None:
        for running in self._running.values():
            running.update(data)

    @property
    def sha256(self) -> str:
        return self._running["sha256"].hexdigest()

    def mismatch(self) -> str:
        """The algorithms that give something else than was expected, joined by commas; "" where all agree."""
        wrong = (name for name, digits in self._expected.items() if self._running[name].hexdigest() != digits)
        return ", ".join(sorted(wrong))


def digest_of(path: Path, expected: Mapping[str, str]) -> Digests:
    """Reads a whole file. Raises OSError."""
    digests = Digests(expected)
    with path.open("rb") as file:
        while data := file.read(_READ):
            digests.update(data)
    return digests
