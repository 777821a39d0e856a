"""A request's bytes, read with as few copies as the server allows.

Under gunicorn the socket is read straight into our buffer (half the CPU of reading through `wsgi.input`, see
`tests/bench/upload.py`); elsewhere through werkzeug's stream.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from flask import Request
from werkzeug.exceptions import ClientDisconnected

from app.uploads.routes.chunked import ChunkedSource
from app.uploads.service import Source
from app.uploads.service.errors import ConnectionLost, TooManyAtOnce

POLL_SECONDS: Final = 0.25
PLAIN_TIMEOUT_SECONDS: Final = 30.0
DRAIN_BYTES, DRAIN_SECONDS = 256 * 2**20, 10.0


class SocketSource:
    """gunicorn's socket and the counters of its HTTP parser, which must know what we took."""

    def __init__(self, sock: Any, body: Any) -> None:
        self._sock = sock
        self._body = body
        self._reader = body.reader
        held = self._reader.unreader.take_buffered()
        self._held = memoryview(held)[: self._reader.length]
        self._reader.unreader.unread(held[self._reader.length :])

    def read_into(self, buffer: memoryview) -> int | None:
        wanted = min(len(buffer), self._reader.length)
        if wanted == 0:
            return 0
        if self._held:
            got = min(wanted, len(self._held))
            buffer[:got] = self._held[:got]
            self._held = self._held[got:]
        else:
            try:
                got = self._sock.recv_into(buffer, wanted)
            except TimeoutError:
                return None
            except OSError as error:
                self._body.failed = True
                raise ConnectionLost from error
            if got == 0:
                self._body.failed = True
                raise ConnectionLost
        self._reader.length -= got
        return int(got)

    def put_back(self) -> None:
        """Returns what was read ahead and not asked for, so that the parser finds its place."""
        self._reader.unreader.unread(bytes(self._held))


class StreamSource:
    """Any other server's stream, or a body of unknown length."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def read_into(self, buffer: memoryview) -> int | None:
        try:
            data = self._stream.read(len(buffer))
        except (ClientDisconnected, OSError) as error:
            raise ConnectionLost from error
        buffer[: len(data)] = data
        return len(data)


@contextmanager
def body_of(request: Request) -> Iterator[Source]:
    """The source of a request's bytes. After an exception, bytes still under way are read and dropped, for a client
    that is still sending would otherwise see its connection reset and never read why (gunicorn #3301)."""
    source = _source_of(request)
    sock = request.environ.get("gunicorn.socket")
    if sock is not None:
        sock.settimeout(PLAIN_TIMEOUT_SECONDS if isinstance(source, StreamSource) else POLL_SECONDS)
    try:
        yield source
    except ConnectionLost:
        raise
    except TooManyAtOnce:  # no thread waits for the rest, and where the next request starts is not known
        request.environ["wsgi.input"].failed = True
        raise
    except Exception:
        _drain(source)
        raise
    finally:
        if not isinstance(source, StreamSource):
            source.put_back()
        if sock is not None:
            sock.settimeout(None)


def _source_of(request: Request) -> SocketSource | ChunkedSource | StreamSource:
    sock, body = request.environ.get("gunicorn.socket"), request.environ.get("wsgi.input")
    reader = getattr(body, "reader", None)
    if sock is not None and hasattr(reader, "length"):
        return SocketSource(sock, body)
    if sock is not None and hasattr(getattr(reader, "req", None), "unreader"):
        return ChunkedSource(sock, body)
    return StreamSource(request.stream)


def _drain(source: Source) -> None:
    buffer = memoryview(bytearray(2**20))
    left, deadline = DRAIN_BYTES, time.monotonic() + DRAIN_SECONDS
    try:
        while left > 0 and time.monotonic() < deadline and (got := source.read_into(buffer)):
            left -= got
    except ConnectionLost:
        return
