"""What a probe tells, and whether rotation is read the way players read it."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

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


def first_picture(tools: Tools, path: Path) -> NDArray[np.float64]:
    """Grey, as a player shows it: ffmpeg turns and mirrors by the display matrix unless told otherwise."""
    argv = [tools.ffmpeg, "-v", "error", "-i", path, "-frames:v", "1", "-pix_fmt", "gray"]
    raw = subprocess.run([*argv, "-f", "rawvideo", "-"], capture_output=True, check=True, timeout=30).stdout
    return np.frombuffer(raw, dtype=np.uint8).astype(np.float64)


@pytest.mark.parametrize("flips", [(), ("-display_hflip",), ("-display_vflip",)])
@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
def test_turned_and_mirrored_as_players_do(
    tmp_path: Path, tools: Tools, degrees: int, flips: tuple[str, ...]
) -> None:
    source = synthetic.rotated(tmp_path / "held.mp4", degrees, *flips)
    report = ingest(source, tmp_path / "out")
    master = report.rendition("master")
    assert master is not None
    assert (master.width, master.height) == ((160, 90) if degrees in (0, 180) else (90, 160))
    expected = first_picture(tools, source)
    actual = first_picture(tools, tmp_path / "out" / "master.mp4")
    assert expected.shape == actual.shape
    assert np.abs(expected - actual).mean() < 6
    assert any("mirrored" in said for said in report.findings) == bool(flips)


@pytest.mark.parametrize(("flip", "corner"), [("-display_hflip", (0, 1)), ("-display_vflip", (1, 0))])
def test_a_mirrored_picture_keeps_its_own_top_or_its_own_left(
    tmp_path: Path, tools: Tools, flip: str, corner: tuple[int, int]
) -> None:
    """A light in the upper left corner, and conforming in everything else: it must not be copied."""
    drawn = ("-vf", "drawbox=c=black:t=fill,drawbox=w=60:h=40:c=white:t=fill,format=yuv420p")
    lying = synthetic.plain(tmp_path / "a.mp4", channels=0, extra=(*drawn, "-g", "25", "-bf", "0"))
    source = tmp_path / "mirrored.mp4"
    synthetic.run_ffmpeg(flip, "-i", str(lying), "-c", "copy", str(source))
    ingest(source, tmp_path / "out")
    light = first_picture(tools, tmp_path / "out" / "master.mp4").reshape(120, 160)
    corners = np.array([[light[10, 10], light[10, 150]], [light[110, 10], light[110, 150]]])
    assert corners[corner] > 200
    assert corners.sum() - corners[corner] < 100


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


def test_of_several_sounds_the_one_that_goes_with_the_pictures_is_used(
    tmp_path: Path, open_on: OpenOn
) -> None:
    source = synthetic.plain(tmp_path / "one.mkv", seconds=1)
    short = tmp_path / "several.mkv"
    inputs = ("-i", str(source), "-t", "0.3", "-i", str(source), "-i", str(source), "-i", str(source))
    maps = ("-map", "0:v", "-map", "1:a", "-map", "2:a", "-map", "3:a")
    marked = ("-disposition:a:0", "comment+default", "-disposition:a:1", "0", "-disposition:a:2", "default")
    synthetic.run_ffmpeg(*inputs, *maps, "-c", "copy", *marked, str(short))
    found = probe(open_on(short))
    assert found.audio is not None
    assert found.audio.index == 3
    assert found.findings[0] == "The file has 3 sound tracks; track 3 is used."


def test_sound_that_covers_a_part_is_said(tmp_path: Path, open_on: OpenOn) -> None:
    late = probe(open_on(synthetic.sound_shifted(tmp_path / "late.mp4", 0.5)))
    assert "The sound starts 0.5 s after the pictures." in late.findings
    source = synthetic.plain(tmp_path / "whole.mp4")
    short = tmp_path / "short.mp4"
    inputs = ("-i", str(source), "-t", "1", "-i", str(source))
    synthetic.run_ffmpeg(*inputs, "-map", "0:v", "-map", "1:a", "-c", "copy", str(short))
    (said,) = probe(open_on(short)).findings
    assert said.startswith(("The sound ends 0.9 s", "The sound ends 1.0 s"))


@pytest.mark.parametrize("start", [0.5, 1.5])
def test_sound_of_a_trimmed_recording_is_not_short(tmp_path: Path, open_on: OpenOn, start: float) -> None:
    found = probe(open_on(synthetic.trimmed(tmp_path / "trimmed.mp4", start, channels=1)))
    assert found.findings == ()
    assert found.span == pytest.approx(7 - start - 1 / 30)


def test_sound_that_ends_early_is_said_where_the_pictures_begin_with_none(
    tmp_path: Path, open_on: OpenOn
) -> None:
    """A stream joined at its middle: pictures before the first key frame are not shown, sound goes by the clock."""
    whole = synthetic.sound_shorter(tmp_path / "whole.ts", 6, sound=5)
    joined = tmp_path / "joined.ts"
    drop = ("-c", "copy", "-bsf:v", "noise=drop=lt(n\\,5)")
    synthetic.run_ffmpeg("-i", str(whole), *drop, str(joined))
    (said,) = [one for one in probe(open_on(joined)).findings if one.startswith("The sound ends")]
    assert said in ("The sound ends 0.9 s before the pictures.", "The sound ends 1.0 s before the pictures.")


@pytest.mark.parametrize(
    ("name", "extra", "share", "said"),
    [
        ("whole.ts", (), 1.0, "does not say how long it is"),
        ("cut.ts", (), 0.6, "does not say how long it is"),
        ("live.mkv", ("-live", "1"), 1.0, "does not say how long it is"),
        ("cut-live.mkv", ("-live", "1"), 0.6, "breaks off"),
        ("cut-fragments.mp4", ("-movflags", "frag_keyframe+empty_moov", "-g", "10"), 0.6, "breaks off"),
    ],
)
def test_an_end_that_may_be_missing_is_said(
    tmp_path: Path, open_on: OpenOn, name: str, extra: tuple[str, ...], share: float, said: str
) -> None:
    whole = synthetic.plain(tmp_path / name, extra=extra, seconds=3)
    source = synthetic.cut_short(whole, tmp_path / f"source-{name}", share)
    findings = probe(open_on(source)).findings
    assert any(said in finding for finding in findings)


def test_a_container_that_is_written_live_says_its_fields_and_colours(
    tmp_path: Path, open_on: OpenOn
) -> None:
    fields = ("-flags", "+ildct+ilme", "-x264-params", "tff=1", "-color_range", "pc", "-colorspace", "bt709")
    found = probe(open_on(synthetic.plain(tmp_path / "a.ts", extra=fields))).video
    assert found.interlaced
    assert (found.colour.range, found.colour.matrix, found.colour.hdr) == ("pc", "bt709", False)


def test_a_length_that_is_no_length_is_none(tmp_path: Path, open_on: OpenOn) -> None:
    source = synthetic.plain(tmp_path / "a.mkv", seconds=0.4)
    data = source.read_bytes()
    assert data.count(b"00:00:00.4") >= 1
    source.write_bytes(data.replace(b"00:00:00.4", b"xx:-1:nan."))
    assert probe(open_on(source)).video.packet_count == 10
