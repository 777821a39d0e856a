"""A request body of unknown length, in chunks (RFC 9112, section 7.1), read from gunicorn's socket.

gunicorn's own reader blocks until a chunk is there and cannot go on after a timeout; an upload must notice within a
second that another request wants it.
"""

from __future__ import annotations

import re
from typing import Any, Final

from gunicorn.http.body import LengthReader

from app.uploads.service.errors import ConnectionLost

LINE_BYTES, TRAILER_LINES = 8190, 100
_SIZE: Final = re.compile(rb"([0-9a-fA-F]{1,16})[ \t]*(?:;[^\r\n]*)?\Z")


class ChunkedSource:
    """The bytes of all chunks; None when nothing came for a short while."""

    def __init__(self, sock: Any, body: Any) -> None:
        self._sock = sock
        self._body = body
        self._unreader = body.reader.req.unreader
        self._held = bytearray(self._unreader.take_buffered())
        self._state, self._left, self._trailers = "size", 0, 0

    def read_into(self, buffer: memoryview) -> int | None:
        """Raises ConnectionLost, also for chunks that are none."""
        while self._state != "data":
            if self._state == "end":
                return 0
            line = self._line()
            if line is None:
                return None
            self._step(line)
        wanted = min(len(buffer), self._left)
        got = self._take_held(buffer[:wanted]) if self._held else self._receive(buffer[:wanted])
        if got is None:
            return None
        self._left -= got
        if self._left == 0:
            self._state = "after"
        return got

    def put_back(self) -> None:
        """After the last chunk the connection goes on with the next request; before it, nobody knows where that is."""
        if self._state == "end":
            self._unreader.unread(bytes(self._held))
            self._body.reader = LengthReader(self._unreader, 0)
        else:
            self._body.failed = True

    def _step(self, line: bytes) -> None:
        if self._state == "size":
            size = _SIZE.match(line)
            if size is None:
                raise self._lost("The body's chunks are malformed")
            self._left = int(size[1], 16)
            self._state = "data" if self._left else "trailers"
        elif self._state == "after":
            if line:
                raise self._lost("The body's chunks are malformed")
            self._state = "size"
        else:
            self._trailers += 1
            if self._trailers > TRAILER_LINES:
                raise self._lost("The body's trailers are too long")
            self._state = "trailers" if line else "end"

    def _line(self) -> bytes | None:
        while (end := self._held.find(b"\r\n")) < 0:
            if len(self._held) > LINE_BYTES:
                raise self._lost("The body's chunks are malformed")
            buffer = memoryview(bytearray(LINE_BYTES))
            got = self._receive(buffer)
            if got is None:
                return None
            self._held += buffer[:got]
        line = bytes(self._held[:end])
        del self._held[: end + 2]
        return line

    def _take_held(self, buffer: memoryview) -> int:
        got = min(len(buffer), len(self._held))
        buffer[:got] = self._held[:got]
        del self._held[:got]
        return got

    def _receive(self, buffer: memoryview) -> int | None:
        try:
            got: int = self._sock.recv_into(buffer)
        except TimeoutError:
            return None
        except OSError as error:
            raise self._lost("") from error
        if got == 0:
            raise self._lost("")
        return got

    def _lost(self, detail: str) -> ConnectionLost:
        self._body.failed = True
        return ConnectionLost(detail)
