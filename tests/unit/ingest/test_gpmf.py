"""GPMF and boxes as a stranger may write them: bounds hold, and no bytes do more than count as broken."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.boxes import user_data
from ingest.gopro import Payload, Reading, read_payload, read_settings
from ingest.gpmf import MOST_DEPTH, MOST_ITEMS, Malformed, numbers, parse, scaled
from tests.media import gpmf

PAYLOADS = [
    gpmf.device(
        gpmf.gps5(51.5007, -0.1246, "240506070802.000"), gpmf.acceleration((0, 0, 981), (300, 400, 0))
    ),
    gpmf.device(gpmf.gps9(1, 2, 9000, 1)),
]


@pytest.mark.parametrize(
    "data",
    [
        gpmf.klv("DEVC", "L", 4, bytes(8))[:-1],
        gpmf.klv("ABCD", "B", 1, b"") * (MOST_ITEMS + 1),
        b"DEVC\0\xff\xff\xff",
    ],
)
def test_bounds_hold(data: bytes) -> None:
    with pytest.raises(Malformed):
        parse(data)


def test_depth_is_bounded() -> None:
    data = gpmf.klv("DEEP", "B", 1, b"\1")
    for _ in range(MOST_DEPTH + 1):
        data = gpmf.nested("DEEP", data)
    with pytest.raises(Malformed, match="deep"):
        parse(data)


MUTATED = st.builds(
    lambda data, changes: bytes(changes.get(at, byte) for at, byte in enumerate(data)),
    st.sampled_from(PAYLOADS),
    st.dictionaries(st.integers(0, 400), st.integers(0, 255), max_size=12),
)


@settings(max_examples=400, deadline=None)
@given(st.one_of(st.binary(max_size=600), MUTATED), st.floats(-1e6, 1e6), st.floats(0, 1e6))
def test_no_payload_does_more_than_count_as_broken(data: bytes, start: float, duration: float) -> None:
    reading = Reading()
    read_payload(Payload(start, duration, data), reading)
    read_settings(data, reading)
    for fix in reading.fixes:
        assert abs(fix.latitude) <= 90
        assert abs(fix.longitude) <= 180
    json.dumps(
        [reading.total, reading.peak, *((f.altitude, f.speed, f.dop) for f in reading.fixes)], allow_nan=False
    )


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=600))
def test_parsed_entries_lie_within_what_was_given(data: bytes) -> None:
    try:
        items = parse(data)
    except Malformed:
        return
    for item in (below for top in items for below in top.walk()):
        assert item.value in data
        for read in (numbers, lambda entry: scaled(entry, entry)):
            try:
                assert read(item).size * item.size >= 0
            except Malformed:
                continue


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300))
def test_no_boxes_do_more_than_say_nothing(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "boxes.bin"
    for head in (b"", b"\0\0\0\xf0moov\0\0\0\xe0udta"):
        path.write_bytes(head + data)
        assert sum(map(len, user_data(path).values())) <= len(data)
