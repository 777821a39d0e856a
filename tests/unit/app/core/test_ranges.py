"""Byte ranges as RFC 9110 section 14 has them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask, Response
from hypothesis import given
from hypothesis import strategies as st

from app.core.ranges import ranged_response

DATA = bytes(range(100))


def _ask(data: bytes = DATA, method: str = "GET", **headers: str) -> Response:
    def pieces(start: int, end: int) -> Iterator[bytes]:
        yield data[start:end]

    named = {name.replace("_", "-"): value for name, value in headers.items()}
    with Flask("test").test_request_context(method=method, headers=named):
        return ranged_response(len(data), "tag", "video/mp4", pieces)


@pytest.mark.parametrize(
    ("header", "status", "expected", "content_range"),
    [
        ("bytes=0-9", 206, DATA[:10], "bytes 0-9/100"),
        ("bytes=90-", 206, DATA[90:], "bytes 90-99/100"),
        ("bytes=-5", 206, DATA[-5:], "bytes 95-99/100"),
        ("bytes=-500", 206, DATA, "bytes 0-99/100"),
        ("bytes=50-5000", 206, DATA[50:], "bytes 50-99/100"),
        ("bytes=100-", 416, b"", "bytes */100"),
        ("bytes=-0", 416, b"", "bytes */100"),
        ("bytes=9-3", 200, DATA, None),
        ("bytes=0-1,5-6", 200, DATA, None),
        ("items=0-1", 200, DATA, None),
        ("bytes=-", 200, DATA, None),
    ],
)
def test_ranges(header: str, status: int, expected: bytes, content_range: str | None) -> None:
    answer = _ask(Range=header)
    assert (answer.status_code, answer.get_data(), answer.headers.get("Content-Range")) == (
        status,
        expected,
        content_range,
    )


@given(st.binary(min_size=1, max_size=50), st.integers(0, 60), st.integers(0, 60))
def test_a_range_is_that_slice_or_refused(data: bytes, start: int, last: int) -> None:
    answer = _ask(data, Range=f"bytes={start}-{last}")
    if answer.status_code == 206:
        assert answer.get_data() == data[start : last + 1]
        assert int(answer.headers["Content-Length"]) == len(answer.get_data())
    else:
        assert answer.status_code == (416 if start >= len(data) and last >= start else 200)


def test_what_the_caller_has_is_not_sent_again_and_what_changed_is_sent_whole() -> None:
    assert _ask(If_None_Match='"tag"').status_code == 304
    assert _ask(Range="bytes=0-9", If_Range='"tag"').status_code == 206
    assert _ask(Range="bytes=0-9", If_Range='"older"').get_data() == DATA


def test_a_head_tells_the_length_without_bytes() -> None:
    answer = _ask(method="HEAD")
    assert (answer.headers["Content-Length"], b"".join(answer.response)) == ("100", b"")  # type: ignore[arg-type]


def test_damage_is_met_before_the_status_is_sent() -> None:
    def damaged(start: int, end: int) -> Iterator[bytes]:
        raise ValueError(f"bytes {start} to {end} were altered")
        yield b""

    with Flask("test").test_request_context(), pytest.raises(ValueError, match="altered"):
        ranged_response(10, "tag", "video/mp4", damaged)
