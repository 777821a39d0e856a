"""Byte ranges (RFC 9110 section 14): the one way that stored bytes leave over HTTP."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from flask import Response, request

_RANGE = re.compile(r"bytes=(\d{0,19})-(\d{0,19})")


def requested_range(size: int) -> tuple[int, int] | None:
    """The half-open range that the request asks for, None for the whole.

    A header that is malformed or names several ranges is ignored, as RFC 9110 allows. Raises LookupError when
    the range lies beyond the end.
    """
    match = _RANGE.fullmatch(request.headers.get("Range", "").replace(" ", ""))
    if match is None or match[1] == match[2] == "":
        return None
    if match[1] == "":
        start, end = max(0, size - int(match[2])), size
    else:
        start, end = int(match[1]), min(size, int(match[2]) + 1) if match[2] else size
        if match[2] and int(match[2]) < start:
            return None
    if start >= size:
        raise LookupError
    return start, end


def ranged_response(
    size: int,
    etag: str,
    media_type: str,
    pieces: Callable[[int, int], Iterator[bytes]],
    *,
    cache_control: str = "private, no-store",
) -> Response:
    """200, 206, 304 or 416. `pieces(start, end)` yields the bytes [start, end); `etag` is without quotes.

    Raises what the first piece raises, so that damaged or missing bytes are answered with a problem.
    """
    tag = f'"{etag}"'
    headers = {"Accept-Ranges": "bytes", "ETag": tag, "Cache-Control": cache_control}
    if request.headers.get("If-None-Match") == tag:
        return Response(status=304, headers=headers)
    if request.headers.get("If-Range", tag) != tag:
        span = None
    else:
        try:
            span = requested_range(size)
        except LookupError:
            return Response(status=416, headers=headers | {"Content-Range": f"bytes */{size}"})
    start, end = span or (0, size)
    headers["Content-Length"] = str(end - start)
    if span:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
    body: Iterator[bytes] = iter(()) if request.method == "HEAD" else _begun(pieces(start, end))
    return Response(body, 206 if span else 200, headers=headers, content_type=media_type)


def _begun(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The same pieces, the first of them read now: before the status is sent."""
    first = next(pieces, b"")

    def all_of_them() -> Iterator[bytes]:
        yield first
        yield from pieces

    return all_of_them()
