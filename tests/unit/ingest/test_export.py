"""Constant-rate copies: each frame is the one that was on show, and the map says which."""

from __future__ import annotations

import subprocess
from fractions import Fraction
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.export import ExportProfile, export, frames_on_show
from ingest.ffmpeg import Tools
from ingest.frames import Ledger
from ingest.report import Report
from tests.factories.material import ledger_of
from tests.media import synthetic


@given(
    st.lists(st.integers(1, 400), min_size=1, max_size=60), st.sampled_from(["10", "25", "30000/1001", "60"])
)
def test_each_tick_shows_the_frame_of_its_time(gaps: list[int], rate: str) -> None:
    ledger, per_second = ledger_of(gaps), Fraction(rate)
    shown = frames_on_show(ledger, per_second)
    assert shown.tolist() == [ledger.frame_at(Fraction(k) / per_second) for k in range(len(shown))]
    end = ledger.time_of(ledger.frame_count)
    assert Fraction(len(shown) - 1) / per_second < end <= Fraction(len(shown)) / per_second


@pytest.mark.parametrize(("rate", "codec"), [("25", "h264"), ("30000/1001", "h264"), ("10", "hevc")])
def test_the_copy_shows_what_the_map_says(
    derived: tuple[Path, Report], tools: Tools, tmp_path: Path, rate: str, codec: str
) -> None:
    """The uneven exercise at an even rate: each frame of the copy is nearest to the master's frame of the map."""
    out, _ = derived
    ledger = Ledger.read(out / "ledger.parquet")
    profile = ExportProfile(Fraction(rate), codec, crf=8)
    made = export(out / "master.mp4", ledger, tmp_path / "even.mp4", profile, tools=tools)
    table = pq.read_table(made.map)
    ordinals = table["ordinal"].to_pylist()
    copy, master = _pictures(tmp_path / "even.mp4", tools), _pictures(out / "master.mp4", tools)
    assert (len(copy), len(master)) == (len(ordinals), ledger.frame_count)
    assert _has_sound(tmp_path / "even.mp4", tools)
    stamps = [frame.pts for frame in synthetic.decoded(tmp_path / "even.mp4")]
    assert len(set(np.diff(stamps).tolist())) == 1
    for shown, ordinal in zip(copy, ordinals, strict=True):
        near = range(max(0, ordinal - 2), min(len(master), ordinal + 3))
        differences = {n: float(np.abs(shown - master[n]).mean()) for n in near}
        assert differences[ordinal] == min(differences.values())


def test_a_codec_that_is_not_there_is_refused(tools: Tools, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no codec of exports; there are h264, hevc"):
        export(
            tmp_path / "a.mp4", ledger_of([40]), tmp_path / "b.mp4", ExportProfile(codec="vp9"), tools=tools
        )


def _has_sound(path: Path, tools: Tools) -> bool:
    argv = [tools.ffprobe, "-v", "error", "-show_entries", "stream=codec_type", "-of", "csv=p=0", path]
    return "audio" in subprocess.run(argv, capture_output=True, text=True, check=True, timeout=60).stdout


def _pictures(path: Path, tools: Tools) -> np.ndarray:
    """All frames, small and grey, as float."""
    argv = [tools.ffmpeg, "-v", "error", "-i", path, "-vf", "scale=64:36", "-fps_mode", "passthrough"]
    argv += ["-f", "rawvideo", "-pix_fmt", "gray", "-"]
    raw = subprocess.run(argv, capture_output=True, check=True, timeout=60).stdout
    return np.frombuffer(raw, np.uint8).reshape(-1, 36, 64).astype(np.float64)
