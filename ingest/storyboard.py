"""The text beside the storyboard picture: which tile shows which seconds (WebVTT with media fragments)."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from PIL import Image

from ingest.frames import Ledger
from ingest.graph import STORYBOARD_NAME, storyboard_interval, tile_rows
from ingest.probe import Probe
from ingest.profiles import Profile

VTT_NAME = "storyboard.vtt"


def write_vtt(job_dir: Path, probe: Probe, profile: Profile, ledger: Ledger) -> None:
    """Write `storyboard.vtt`, one cue a tile, each pointing at `storyboard.jpg#xywh=x,y,w,h`.

    Format: WebVTT, https://www.w3.org/TR/webvtt1/; spatial fragments, https://www.w3.org/TR/media-frags/.
    """
    with Image.open(job_dir / STORYBOARD_NAME) as picture:
        width = picture.width // profile.storyboard_columns
        height = picture.height // tile_rows(probe, profile)
    starts = _tile_times(ledger, storyboard_interval(probe, profile), profile, tile_rows(probe, profile))
    ends = [*starts[1:], ledger.time_of(ledger.frame_count)]
    cues = ["WEBVTT", ""]
    for tile, (start, end) in enumerate(zip(starts, ends, strict=True)):
        row, column = divmod(tile, profile.storyboard_columns)
        area = f"{column * width},{row * height},{width},{height}"
        cues += [f"{_clock(start)} --> {_clock(end)}", f"{STORYBOARD_NAME}#xywh={area}", ""]
    (job_dir / VTT_NAME).write_text("\n".join(cues))


def _tile_times(ledger: Ledger, interval: float, profile: Profile, rows: int) -> list[Fraction]:
    """Times of the frames that the graph's `select` took: the same rule, over the same time stamps."""
    times: list[Fraction] = []
    for ordinal in range(ledger.frame_count):
        time = ledger.time_of(ordinal)
        if float(time) + 0.0005 >= len(times) * interval:
            times.append(time)
    return times[: rows * profile.storyboard_columns]


def _clock(time: Fraction) -> str:
    milliseconds = round(time * 1000)
    seconds, thousandths = divmod(milliseconds, 1000)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{thousandths:03}"
