"""What a probe tells, and whether rotation is read the way players read it."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from ingest.ffmpeg import Tools
from ingest.pipeline import ingest
from ingest.probe import probe
from ingest.workspace import Workspace
from tests.media import synthetic

OpenOn = Callable[[Path], Workspace]


def test_facts_of_a_plain_clip(tmp_path: Path, open_on: OpenOn) -> None:
    found = probe(open_on(synthetic.plain(tmp_path / "a.mp4", rate="30000/1001", channels=1)))
    video, audio = found.video, found.audio
    assert (found.container, video.codec, video.width, video.height) == ("mov", "h264", 160, 120)
    assert (video.rotation, video.sar, video.average_rate) == (0, 1, Fraction(30_000, 1001))
    assert (video.declared_frames, video.packet_count, video.variable_rate) == (60, 60, False)
    assert audio is not None
    assert (audio.codec, audio.sample_rate, audio.channels) == ("aac", 44_100, 1)
    assert (found.telemetry, found.findings) == ((), ())


def test_variable_rate_is_told_from_rounding(tmp_path: Path, open_on: OpenOn) -> None:
    rounded = synthetic.plain(tmp_path / "rounded.mkv", rate="30000/1001")  # 33 and 34 ms by turns
    assert not probe(open_on(rounded)).video.variable_rate
    assert probe(open_on(synthetic.variable_rate(tmp_path / "uneven.mkv"))).video.variable_rate


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_turned_as_players_turn_it(tmp_path: Path, tools: Tools, degrees: int) -> None:
    source = synthetic.rotated(tmp_path / "held.mp4", degrees)
    report = ingest(source, tmp_path / "out")
    master = report.rendition("master")
    assert master is not None
    assert (master.width, master.height) == ((160, 90) if degrees == 180 else (90, 160))

    def first_picture(path: Path) -> np.ndarray:
        # ffmpeg turns a picture by its display matrix unless told otherwise, as players do
        argv = [
            tools.ffmpeg,
            "-v",
            "error",
            "-i",
            path,
            "-frames:v",
            "1",
            "-pix_fmt",
            "gray",
            "-f",
            "rawvideo",
            "-",
        ]
        raw = subprocess.run(argv, capture_output=True, check=True, timeout=30).stdout
        return np.frombuffer(raw, dtype=np.uint8).astype(np.float64)

    expected, actual = first_picture(source), first_picture(tmp_path / "out" / "master.mp4")
    assert expected.shape == actual.shape
    assert np.abs(expected - actual).mean() < 6


def test_several_picture_and_sound_tracks_are_said(tmp_path: Path, open_on: OpenOn) -> None:
    source = synthetic.plain(tmp_path / "one.mkv", seconds=0.5)
    both = tmp_path / "both.mkv"
    maps = ("-map", "0:v", "-map", "0:v", "-map", "0:a", "-map", "0:a")
    synthetic.run_ffmpeg("-i", str(source), *maps, "-c", "copy", str(both))
    findings = probe(open_on(both)).findings
    assert findings == (
        "The file has 2 sound tracks; track 2 is used.",
        "The file has several video tracks; track 0 is used.",
    )
