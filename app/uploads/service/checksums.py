"""What the bytes of one request must hash to, where the client says it."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol


class Hash(Protocol):
    """What takes bytes and gives their digest."""

    def update(self, data: memoryview, /) -> None: ...

    def digest(self) -> bytes: ...


class Crc32:
    """CRC-32 of zlib as four bytes, the most significant first (RFC 1952 without its byte order)."""

    def __init__(self) -> None:
        self._value = 0

    def update(self, data: memoryview, /) -> None:
        self._value = zlib.crc32(data, self._value)

    def digest(self) -> bytes:
        return self._value.to_bytes(4, "big")


CHECKSUMS: Final[Mapping[str, Callable[[], Hash]]] = {
    "sha1": hashlib.sha1,
    "sha256": hashlib.sha256,
    "crc32": Crc32,
}


@dataclass(frozen=True, slots=True)
class Checksum:
    """What the bytes of one request must hash to; `algorithm` is one of CHECKSUMS."""

    algorithm: str
    digest: bytes

    def begin(self) -> Hash:
        """An empty hash of that kind."""
        return CHECKSUMS[self.algorithm]()
