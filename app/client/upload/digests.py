"""Hashing a file while it is read: the SHA-256 that the service wants, and what a manifest gave."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from app.client.errors import ClientError

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

    def verify(self, name: str) -> None:
        """Raises ClientError for a file, all of which was read, that is not what was expected."""
        if wrong := self.mismatch():
            raise ClientError(f"{name} differs from its manifest ({wrong}): it was not handed over")


def digest_of(path: Path, expected: Mapping[str, str], check: Callable[[], None] = lambda: None) -> Digests:
    """Reads a whole file; `check` is called now and then and may raise to stop. Raises OSError."""
    digests = Digests(expected)
    with path.open("rb") as file:
        while data := file.read(_READ):
            check()
            digests.update(data)
    return digests


def verified(path: Path, expected: Mapping[str, str], check: Callable[[], None]) -> str:
    """A file's SHA-256, once it was found to be what was expected. Raises ClientError, OSError."""
    digests = digest_of(path, expected, check)
    digests.verify(path.name)
    return digests.sha256
