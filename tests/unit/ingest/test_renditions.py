"""Sizes, storyboard, poster, waveform: what the player leans on."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from ingest.frames import Ledger
from ingest.packets import Packets
from ingest.picture import Size, display_size, tile_size
from ingest.pipeline import ingest
from ingest.report import Report
from ingest.sample import SampleFacts
from ingest.streams import VideoStream
from tests.media import synthetic

VIDEO = VideoStream(
    index=0, codec="h264", width=1920, height=1080, rotation=0, sar=Fraction(1), pixel_format="yuv420p",
    interlaced=False, time_base=Fraction(1, 90_000), average_rate=Fraction(30), first_pts=0, declared_frames=None,
    packet_count=1, variable_rate=False,
)  # fmt: skip


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, (1280, 720)),
        ({"rotation": 90}, (720, 1280)),
        ({"width": 720, "height": 576, "sar": Fraction(64, 45)}, (1024, 576)),
        ({"width": 1440, "height": 1080, "sar": Fraction(4, 3)}, (1280, 720)),
        ({"width": 161, "height": 121}, (160, 120)),
    ],
)
def test_size_on_show(change: dict[str, object], expected: tuple[int, int]) -> None:
    size = display_size(replace(VIDEO, **change), 720)  # type: ignore[arg-type]
    assert (size.width, size.height) == expected


@given(st.integers(16, 8000), st.integers(16, 8000), st.sampled_from([0, 90, 180, 270]))
def test_sizes_are_even_never_enlarged_and_within_bounds(width: int, height: int, rotation: int) -> None:
    size = display_size(replace(VIDEO, width=width, height=height, rotation=rotation), 720)
    assert size.width % 2 == size.height % 2 == 0
    assert 2 <= min(size.width, size.height) <= 720
    assert max(size.width, size.height) <= max(width, height)


def test_storyboard_names_a_tile_for_every_moment(derived: tuple[Path, Report]) -> None:
    out, _ = derived
    text = (out / "storyboard.vtt").read_text()
    ledger = Ledger.read(out / "ledger.parquet")
    cues = re.findall(r"(\S+) --> (\S+)\nstoryboard.jpg#xywh=(\d+),(\d+),(\d+),(\d+)", text)
    assert text.startswith("WEBVTT\n\n")
    assert len(cues) == 10
    assert cues[0][0] == "00:00:00.000"
    assert [c[0] for c in cues[1:]] == [c[1] for c in cues[:-1]]
    assert cues[-1][1] == f"00:00:{float(ledger.time_of(ledger.frame_count)):06.3f}"
    with Image.open(out / "storyboard.jpg") as sheet:
        for _, _, x, y, width, height in cues:
            assert int(x) + int(width) <= sheet.width
            assert int(y) + int(height) <= sheet.height
            tile = sheet.crop((int(x), int(y), int(x) + int(width), int(y) + int(height)))
            assert np.asarray(tile).std() > 10  # a picture, not an empty cell


@pytest.mark.parametrize(
    ("size", "tile"), [("16x8192", (2, 320)), ("8192x16", (160, 2)), ("90x160", (160, 284))]
)
def test_a_storyboard_is_small_whatever_the_pictures_shape(
    tmp_path: Path, size: str, tile: tuple[int, int]
) -> None:
    source = synthetic.plain(tmp_path / "a.mp4", seconds=3, rate="5", size=size, channels=0)
    ingest(source, tmp_path / "out")
    areas = re.findall(r"#xywh=(\d+),(\d+),(\d+),(\d+)", (tmp_path / "out" / "storyboard.vtt").read_text())
    assert areas == [(str(n * tile[0]), "0", str(tile[0]), str(tile[1])) for n in range(3)]
    with Image.open(tmp_path / "out" / "storyboard.jpg") as sheet:
        assert sheet.size == (10 * tile[0], tile[1])


@given(st.integers(2, 8192), st.integers(2, 8192))
def test_a_tile_fits_into_its_box(width: int, height: int) -> None:
    tile = tile_size(Size(width, height), 160)
    assert 2 <= tile.width <= 160
    assert 2 <= tile.height <= 320
    assert tile.width == 160 or tile.height == 320
    assert tile.width % 2 == tile.height % 2 == 0


def test_poster_is_a_picture_of_the_masters_size(derived: tuple[Path, Report]) -> None:
    out, report = derived
    master = report.rendition("master")
    assert master is not None
    with Image.open(out / "poster.jpg") as poster:
        assert poster.size == (master.width, master.height)


def test_waveform_peaks_where_the_shots_are(
    derived: tuple[Path, Report], exercise: tuple[Path, SampleFacts]
) -> None:
    drawn = json.loads((derived[0] / "waveform.json").read_text())
    assert (drawn["version"], drawn["bits"], len(drawn["data"])) == (2, 8, 2 * drawn["length"])
    highest = np.array(drawn["data"][1::2])
    rate = drawn["sample_rate"] / drawn["samples_per_pixel"]
    for onset in exercise[1].shots:
        assert highest[int(onset * rate) : int(onset * rate) + 3].max() > 60
    assert highest.max() <= 127
    assert min(drawn["data"][0::2]) >= -128


def test_master_has_a_key_frame_at_every_second(derived: tuple[Path, Report], packets_of: object) -> None:
    assert callable(packets_of)
    packets: Packets = packets_of(derived[0] / "master.mp4")
    times = [float(int(p) * packets.time_base) for p in packets.pts]
    keys = [t for t, key in zip(times, packets.key, strict=True) if key]
    assert keys[0] == 0
    for second in range(1, int(times[-1]) + 1):
        assert next(t for t in times if t + 0.0005 >= second) in keys
