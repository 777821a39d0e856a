"""Parts of one recording: told by their names and clocks, refused where they are not one."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.chapters import Chapter, number_of, put_in_order
from ingest.errors import FileRejected
from ingest.packets import Packets
from ingest.probe import Probe
from ingest.streams import AudioStream, VideoStream

NONE = np.array([], dtype=np.bool_)
VIDEO = VideoStream(
    index=0, codec="h264", width=1920, height=1080, rotation=0, sar=Fraction(1), pixel_format="yuv420p",
    interlaced=False, time_base=Fraction(1, 90_000), average_rate=Fraction(30), first_pts=0, declared_frames=None,
    packet_count=1, variable_rate=False,
)  # fmt: skip
PROBE = Probe(
    "mov", 60.0, VIDEO, AudioStream(1, "aac", 48_000, 2), (), (),
    Packets(0, Fraction(1, 90_000), np.array([], dtype=np.int64), NONE, NONE),
)  # fmt: skip
START = datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)


def chapter(name: str, at: float | None = None, probe: Probe = PROBE) -> Chapter:
    return Chapter(name, probe, None if at is None else START + timedelta(seconds=at))


def refusal(*chapters: Chapter) -> FileRejected:
    with pytest.raises(FileRejected) as caught:
        put_in_order(chapters)
    return caught.value


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("GX010123.MP4", ("GX0123", 1)),
        ("gh120123.mp4", ("GH0123", 12)),
        ("GOPR0123.MP4", ("GP0123", 0)),
        ("GP010123.MP4", ("GP0123", 1)),
        ("patrol_001.mov", ("patrol", 1)),
        ("Axon_Body_3_Video_2024-05-06_0708-2.mp4", ("axon_body_3_video_2024-05-06_0708", 2)),
        ("range exercise part 3.mkv", ("range exercise", 3)),
        ("2024-05-06_0708.mp4", None),
        ("patrol.mp4", None),
    ],
)
def test_names_tell_which_part_a_file_is(name: str, expected: tuple[str, int] | None) -> None:
    assert number_of(name) == expected


@given(st.permutations([f"GX{n:02}0123.MP4" for n in range(1, 7)]))
def test_parts_are_put_in_order_however_they_come(names: list[str]) -> None:
    assert [c.name for c in put_in_order([chapter(name) for name in names])] == sorted(names)


def test_without_numbers_the_clocks_tell() -> None:
    late, early = chapter("b7f3.mp4", 61), chapter("c9a1.mp4", 0)
    assert put_in_order([late, early]) == (early, late)


def test_what_is_missing_is_named() -> None:
    found = refusal(chapter("GX010123.MP4"), chapter("GX030123.MP4"))
    assert (found.reason_code, "Part 2" in found.message) == ("part_missing", True)
    found = refusal(chapter("x_2.mp4"), chapter("x_3.mp4"))
    assert (found.reason_code, "Part 1" in found.message) == ("part_missing", True)
    found = refusal(chapter("x_1.mp4", 0), chapter("x_2.mp4", 90))
    assert (found.reason_code, "30 seconds are missing" in found.message) == ("part_missing", True)


@pytest.mark.parametrize(
    ("chapters", "words"),
    [
        ([chapter("GX010123.MP4"), chapter("GX020124.MP4")], "Neither"),
        ([chapter("a.mp4", 0), chapter("b.mp4", 0)], "Neither"),
        ([chapter("x_1.mp4"), chapter("X-1.mp4")], "same number"),
        ([chapter("x_1.mp4", 60), chapter("x_2.mp4", 0)], "begun before"),
        ([chapter("x_1.mp4"), chapter("x_2.mp4", probe=replace(PROBE, audio=None))], "sound"),
        (
            [chapter("x_1.mp4"), chapter("x_2.mp4", probe=replace(PROBE, video=replace(VIDEO, width=1280)))],
            "picture size: 1280x1080, not 1920x1080",
        ),
        (
            [
                chapter("x_1.mp4"),
                chapter("x_2.mp4", probe=replace(PROBE, video=replace(VIDEO, average_rate=Fraction(25)))),
            ],
            "25.00 pictures a second, not 30.00",
        ),
    ],
)
def test_what_is_not_one_recording_is_refused(chapters: list[Chapter], words: str) -> None:
    found = refusal(*chapters)
    assert found.reason_code == "not_one_recording"
    assert words in found.message
