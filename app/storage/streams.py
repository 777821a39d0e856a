"""One stream class over an iterator of pieces: ranges, S3 bodies and decrypted objects all read alike."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import BinaryIO, cast


class PieceReader(io.BufferedIOBase):
    """A readable, unseekable stream over pieces of bytes.

    `read(n)` returns exactly n bytes unless the end comes first; `pieces()` yields what is left without
    copying, which suits an HTTP response.
    """

    def __init__(self, pieces: Iterator[bytes], on_close: Callable[[], None] | None = None) -> None:
        self._pieces = pieces
        self._on_close = on_close
        self._left = memoryview(b"")

    def readable(self) -> bool:
        return True

    def read(self, size: int | None = -1, /) -> bytes:
        """Up to `size` bytes, all that is left for -1; b"" at the end."""
        if size is None or size < 0:
            return b"".join(self.pieces())
        if size <= len(self._left) or not self._left:  # one piece is enough, or may be
            first = self.read1(size)
            if len(first) == size or not first:
                return first
            parts, wanted = [first], size - len(first)
        else:
            parts, wanted = [], size
        while wanted > 0 and (part := self.read1(wanted)):
            parts.append(part)
            wanted -= len(part)
        return b"".join(parts)

    def read1(self, size: int = -1, /) -> bytes:
        """At most one piece: never waits for more than the next. b"" at the end."""
        while not self._left:
            piece = next(self._pieces, None)
            if piece is None:
                return b""
            if piece and (len(piece) <= size or size < 0):
                return piece
            self._left = memoryview(piece)
        count = len(self._left) if size < 0 else size
        taken, self._left = bytes(self._left[:count]), self._left[count:]
        return taken

    def pieces(self) -> Iterator[bytes]:
        """What is left, piece by piece; closes the stream at the end or when the consumer stops."""
        try:
            while piece := self.read1():
                yield piece
        finally:
            self.close()

    def close(self) -> None:
        if not self.closed and self._on_close is not None:
            self._on_close()
        super().close()


def as_binary(reader: PieceReader) -> BinaryIO:
    """The same object under the name that typed callers know."""
    return cast(BinaryIO, reader)


def read_full(source: BinaryIO, size: int) -> bytes:
    """Exactly `size` bytes, or fewer only at the end: raw streams and sockets may return less at a time."""
    first = source.read(size)
    if not first or len(first) == size:
        return first
    parts, wanted = [first], size - len(first)
    while wanted and (part := source.read(wanted)):
        parts.append(part)
        wanted -= len(part)
    return b"".join(parts)
