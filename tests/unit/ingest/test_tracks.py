"""Tracks beside the pictures: subtitles, and sound of kinds that are not decoded, are left out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from ingest.pipeline import ingest
from ingest.plan import make_plan
from ingest.profiles import DEFAULT_PROFILE
from ingest.whitelist import DECODERS, PROBED
from ingest.workspace import Workspace
from tests.media import synthetic

_SAID = "1\n00:00:00,000 --> 00:00:01,000\nF/2.8, SS 1000, ISO 100\n"
_UNREAD = "The sound is in a form that cannot be read and is left out."


def with_subtitles(path: Path, codec: str, *, seconds: float = 1, extra: tuple[str, ...] = ()) -> Path:
    """As drones write their camera's settings: a track of text beside pictures and sound."""
    bare, said = path.with_name("bare-" + path.name), path.with_suffix(".srt")
    said.write_text(_SAID)
    synthetic.plain(bare, seconds=seconds, extra=extra)
    inputs = ("-i", str(bare), "-i", str(said))
    synthetic.run_ffmpeg(*inputs, "-map", "0", "-map", "1", "-c", "copy", "-c:s", codec, str(path))
    return path


def with_sound(path: Path, codec: str) -> Path:
    """A second with sound of that codec, as its coder takes it."""
    tone = "aevalsrc='0.5*sin(2*PI*880*t)':d=1" + (":s=8000" if codec == "g726" else ":s=48000")
    pictures = ("-f", "lavfi", "-i", f"testsrc2=s={synthetic.SMALL}:r=25:d=1", "-f", "lavfi", "-i", tone)
    coding = ("-c:v", "libx264", "-preset", "ultrafast", "-c:a", codec, "-strict", "-2")
    synthetic.run_ffmpeg(*pictures, *coding, str(path))
    return path


@pytest.mark.parametrize(
    ("name", "codec"), [("a.mp4", "mov_text"), ("a.mkv", "srt"), ("a.mkv", "ass"), ("a.webm", "webvtt")]
)
def test_subtitles_are_left_out(tmp_path: Path, name: str, codec: str) -> None:
    report = ingest(with_subtitles(tmp_path / name, codec), tmp_path / "out")
    assert report.source.frame_count == 25
    assert report.source.audio_codec is not None
    assert "Data tracks were left out: subtitle." in report.findings


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("a.avi", "g726"),
        ("a.mov", "adpcm_ima_qt"),
        ("a.ts", "dca"),
        ("a.mkv", "wmav2"),
        ("a.mkv", "truehd"),
        ("a.mkv", "wavpack"),
    ],
)
def test_sound_that_is_not_decoded_costs_no_pictures(tmp_path: Path, name: str, codec: str) -> None:
    report = ingest(with_sound(tmp_path / name, codec), tmp_path / "out")
    assert (report.source.frame_count, report.source.audio_codec) == (25, None)
    assert _UNREAD in report.findings


@pytest.mark.parametrize("codec", ["pcm_s8", "pcm_s32be", "pcm_f32be", "pcm_f64le", "pcm_s16be"])
def test_plain_samples_are_heard_however_they_are_written(tmp_path: Path, codec: str) -> None:
    report = ingest(with_sound(tmp_path / "a.mov", codec), tmp_path / "out")
    assert report.source.audio_codec == codec
    assert report.findings == ()


def test_subtitles_do_not_keep_a_long_recording_from_being_cut(
    tmp_path: Path, open_on: Callable[[Path], Workspace]
) -> None:
    """The decoder's complaint of the track that it may not open says nothing of the pictures."""
    source = with_subtitles(tmp_path / "a.mp4", "mov_text", seconds=4, extra=("-g", "25", "-bf", "0"))
    profile = replace(DEFAULT_PROFILE, chunk_seconds=1)
    assert len(make_plan(open_on(source), profile).chunks) > 1


def test_what_is_only_probed_is_never_decoded_into_anything() -> None:
    assert DECODERS < PROBED
    assert not any("subtitle" in name or name in ("mov_text", "ass", "srt") for name in DECODERS)
