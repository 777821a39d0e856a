"""What decoders leave to chance is marked in the ledger, and nothing else is."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingest.frames import Ledger
from ingest.pipeline import ingest
from tests.media.matrix import Case
from tests.media.matrix_clips import make
from tests.media.synthetic import run_ffmpeg


@pytest.mark.parametrize(
    ("case", "frames"),
    [
        (Case("mov", "prores", "25", "mono", "plain", "zeros"), (24,)),  # of which the decoder says nothing
        (Case("mp4", "mjpeg", "25", "mono", "plain", "zeros"), (24,)),
        (Case("mp4", "h264", "25", "mono", "plain", "zeros"), ()),  # mended out of what was shown before
    ],
    ids=["prores", "mjpeg", "h264"],
)
def test_what_chance_shows_in_place_of_a_damaged_picture_is_marked(
    tmp_path: Path, case: Case, frames: tuple[int, ...]
) -> None:
    report = ingest(make(case, tmp_path), tmp_path / "out")
    assert Ledger.read(tmp_path / "out" / "ledger.parquet").uncertain == frames
    assert any("are damaged" in said for said in report.findings) == bool(frames)


def test_whole_pictures_whose_kind_changes_on_the_way_are_certain(tmp_path: Path) -> None:
    """Where another parameter set begins, ffmpeg builds its filters anew and loses what they hold."""
    halves = []
    for number, matrix in enumerate(("bt709", "smpte170m")):
        halves.append(tmp_path / f"{number}.ts")
        pictures = ["-f", "lavfi", "-i", "testsrc2=s=160x96:r=25:d=2", "-c:v", "libx264", "-bf", "0"]
        run_ffmpeg(*pictures, "-colorspace", matrix, "-output_ts_offset", str(2 * number), str(halves[-1]))
    source = tmp_path / "source.ts"
    source.write_bytes(b"".join(half.read_bytes() for half in halves))
    ingest(source, tmp_path / "out")
    ledger = Ledger.read(tmp_path / "out" / "ledger.parquet")
    assert (ledger.frame_count, ledger.uncertain) == (100, ())
