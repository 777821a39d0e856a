"""Clips: every frame in exactly one, the master's own pictures, the sound in step."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest

from ingest.ffmpeg import Tools, find_tools
from ingest.frames import Ledger
from ingest.pipeline import ingest
from ingest.report import Report
from tests.factories.material import SHORT_CLIPS
from tests.media import synthetic


def decoded(tools: Tools, path: Path) -> list[str]:
    """Hash of every decoded picture of a file."""
    argv = [
        tools.ffmpeg,
        "-v",
        "error",
        "-i",
        path,
        "-map",
        "0:v",
        "-fps_mode",
        "passthrough",
        "-f",
        "framemd5",
        "-",
    ]
    lines = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=60).stdout.splitlines()
    return [line.split(",")[-1].strip() for line in lines if not line.startswith("#")]


def sound(tools: Tools, path: Path) -> np.ndarray:
    """Samples at 48 kHz, mono."""
    argv = [
        tools.ffmpeg,
        "-v",
        "error",
        "-i",
        path,
        "-map",
        "0:a",
        "-ac",
        "1",
        "-ar",
        "48000",
        "-f",
        "s16le",
        "-",
    ]
    raw = subprocess.run(argv, capture_output=True, check=True, timeout=60).stdout
    return np.frombuffer(raw, dtype="<i2").astype(np.float64)


def test_clips_hold_the_masters_own_pictures(derived: tuple[Path, Report], tools: Tools) -> None:
    out, report = derived
    master = decoded(tools, out / "master.mp4")
    assert len(master) == report.source.frame_count
    assert len(report.clips) == 2
    assert report.clips[0].end_frame == report.clips[1].start_frame
    for clip in report.clips:
        assert decoded(tools, out / clip.path) == master[clip.start_frame : clip.end_frame]


def test_sound_of_a_clip_is_in_step_with_the_master(derived: tuple[Path, Report], tools: Tools) -> None:
    out, report = derived
    clip = report.clips[1]
    ledger = Ledger.read(out / "ledger.parquet")
    start = round(ledger.time_of(clip.start_frame) * 48_000)
    cut, whole = sound(tools, out / clip.path), sound(tools, out / "master.mp4")[start:]
    assert abs(len(cut) - clip.seconds * 48_000) <= 1024  # an AAC packet
    length, reach = 48_000, 300
    lags = [float(cut[reach : reach + length] @ whole[lag : lag + length]) for lag in range(0, 2 * reach, 1)]
    assert int(np.argmax(lags)) - reach == pytest.approx(0, abs=1)


def test_clips_after_the_end_of_the_sound_are_silent_for_as_long_as_they_show(tmp_path: Path) -> None:
    source = synthetic.sound_shorter(tmp_path / "short.mp4", 12, sound=2)
    tools = find_tools()
    report = ingest(source, tmp_path / "out", profile=SHORT_CLIPS)
    assert len(report.clips) == 3
    for number, clip in enumerate(report.clips):
        heard = sound(tools, tmp_path / "out" / clip.path)
        assert len(heard) / 48_000 == pytest.approx(4, abs=0.05)
        assert (np.abs(heard).max() > 1000) == (number == 0)


def test_the_first_clip_begins_with_its_first_sound(tmp_path: Path) -> None:
    source = synthetic.plain(tmp_path / "tone.mp4", seconds=3)
    ingest(source, tmp_path / "out")
    heard = sound(find_tools(), tmp_path / "out" / "clips" / "0000.mp4")
    whole = sound(find_tools(), tmp_path / "out" / "master.mp4")
    assert np.abs(heard[:480]).max() > np.abs(whole[:480]).max() / 2
