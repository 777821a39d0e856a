"""MP4 that changes its coding in the middle, and MP4 whose edit list cuts into a long group of pictures."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingest.boxes import picture_descriptions
from ingest.frames import Ledger
from ingest.pipeline import ingest
from tests.media import synthetic
from tests.media.descriptions import two_descriptions
from tests.unit.ingest.test_mux import CONFORMING, copied


def test_two_sample_descriptions_are_coded_and_every_picture_is_there(tmp_path: Path) -> None:
    source, *halves = two_descriptions(tmp_path / "a.mp4")
    assert [picture_descriptions(path) for path in (source, *halves)] == [2, 1, 1]
    report = ingest(source, tmp_path / "out")
    assert not copied(report)
    meant = [frame.digest for half in halves for frame in synthetic.decoded(half, algorithm="murmur3")]
    ledger = Ledger.read(tmp_path / "out" / "ledger.parquet")
    assert [digest.tobytes().hex() for digest in ledger.hashes] == meant
    # each clip decodes by itself to as many pictures as it claims
    for clip in report.clips:
        assert len(synthetic.decoded(tmp_path / "out" / clip.path)) == clip.end_frame - clip.start_frame


@pytest.mark.parametrize("data", [b"", b"\0" * 64, b"\0\0\0\x08moov" * 3, b"\0\0\0\x10moov\0\0\0\x08trak"])
def test_what_is_no_mp4_describes_nothing(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.mp4").write_bytes(data)
    assert picture_descriptions(tmp_path / "a.mp4") == 0


@pytest.mark.parametrize(
    ("group", "b_frames", "cut"),
    [
        ("250", "0", ("-ss", "0.5", "-itsoffset", "0.4")),
        ("25", "2", ("-ss", "1.3")),
    ],
    ids=["one-group", "short-groups"],
)
def test_an_edit_list_into_a_group_leaves_what_a_player_shows(
    tmp_path: Path, group: str, b_frames: str, cut: tuple[str, ...]
) -> None:
    """The pictures before the edit are decoded, for others lean on them, and not shown: the ledger has none of them."""
    coding = ("-c:v", "libx264", *CONFORMING, "-g", group, "-bf", b_frames)
    whole = synthetic.plain(tmp_path / "whole.mp4", seconds=3, codec=coding, channels=0)
    source = tmp_path / "a.mp4"
    synthetic.run_ffmpeg(*cut, "-i", str(whole), "-c", "copy", str(source))
    assert b"elst" in source.read_bytes()
    report = ingest(source, tmp_path / "out")
    shown = synthetic.decoded(source, algorithm="murmur3")
    ledger = Ledger.read(tmp_path / "out" / "ledger.parquet")
    assert 0 < len(shown) < 75
    assert [digest.tobytes().hex() for digest in ledger.hashes] == [frame.digest for frame in shown]
    assert ledger.pts.tolist() == [frame.pts for frame in shown]
    assert not copied(report)
    assert report.clips[-1].end_frame == len(shown)
