"""One recording that a camera wrote as several files: which belongs where, and whether any is missing.

Names: GoPro's chapters (GX010123.MP4, GX020123.MP4; before 2018 GOPR0123.MP4, GP010123.MP4:
https://community.gopro.com/s/article/GoPro-Camera-File-Naming-Convention), and a number at the end of a common name, as
Axon and most others write it (…_001, …-2, … part 3). Where names tell nothing, the containers' creation times do.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from ingest.errors import FileRejected
from ingest.probe import Probe
from ingest.streams import VideoStream

_GOPRO = re.compile(r"(G[A-Z])(\d\d)(\d{4})")
_GOPRO_FIRST = re.compile(r"GOPR(\d{4})")
_NUMBERED = re.compile(r"(.*?)[ _.-]*(?:part|pt|chapter|ch)?[ _.-]*(?<!\d)(\d{1,3})", re.IGNORECASE)
# Cameras write whole seconds, and take a moment to begin the next file.
_CLOCK_SLACK = 5.0
_RATE_SLACK = 0.02


@dataclass(frozen=True, slots=True)
class Chapter:
    """A file that may be a part of a recording: its name without folder, its probe, its creation time if any."""

    name: str
    probe: Probe
    created: datetime | None


def number_of(name: str) -> tuple[str, int] | None:
    """What is common to all parts of a recording, and which part this is; None for a name that does not say."""
    stem = name.rpartition(".")[0] or name
    if found := _GOPRO_FIRST.fullmatch(stem.upper()):
        return f"GP{found[1]}", 0
    if found := _GOPRO.fullmatch(stem.upper()):
        return f"{found[1]}{found[3]}", int(found[2])
    if found := _NUMBERED.fullmatch(stem):
        return found[1].casefold(), int(found[2])
    return None


def put_in_order(chapters: Sequence[Chapter]) -> tuple[Chapter, ...]:
    """Return the parts in order. Raises FileRejected, with a reason, where they are not all parts of one recording."""
    numbers = [number_of(chapter.name) for chapter in chapters]
    known = [number for number in numbers if number is not None]
    if len(known) == len(chapters) and len({common for common, _ in known}) == 1:
        ordered = _by_number(chapters, [number for _, number in known])
    else:
        ordered = _by_time(chapters)
    for part, (before, after) in enumerate(pairwise(ordered), start=2):
        _refuse_unlike(before, after, part)
        _refuse_gap(before, after)
    return ordered


def _by_number(chapters: Sequence[Chapter], numbers: list[int]) -> tuple[Chapter, ...]:
    if len(set(numbers)) < len(numbers):
        raise _not_one("Two of the files have the same number.")
    first = min(numbers)
    missing = sorted({*range(min(first, 1), max(numbers) + 1)} - set(numbers))
    if missing:
        said = ", ".join(map(str, missing[:5]))
        raise FileRejected("part_missing", f"Part {said} of the recording is missing. Add it and try again.")
    return tuple(
        chapter for _, chapter in sorted(zip(numbers, chapters, strict=True), key=lambda pair: pair[0])
    )


def _by_time(chapters: Sequence[Chapter]) -> tuple[Chapter, ...]:
    times = [chapter.created for chapter in chapters if chapter.created is not None]
    if len(times) < len(chapters) or len(set(times)) < len(times):
        raise _not_one("Neither the files' names nor their times tell which part comes first.")
    return tuple(
        chapter for _, chapter in sorted(zip(times, chapters, strict=True), key=lambda pair: pair[0])
    )


def _refuse_unlike(before: Chapter, after: Chapter, part: int) -> None:
    """One camera does not change its settings in the middle of a recording."""
    told, found = _settings(before.probe), _settings(after.probe)
    for what, value in told.items():
        if found[what] != value:
            raise _not_one(f"Part {part} ({after.name}) differs in its {what}: {found[what]}, not {value}.")
    rate, other = float(before.probe.video.average_rate), float(after.probe.video.average_rate)
    even = not (before.probe.video.variable_rate or after.probe.video.variable_rate)
    if even and min(rate, other) > 0 and abs(rate / other - 1) > _RATE_SLACK:
        raise _not_one(f"Part {part} ({after.name}) has {other:.2f} pictures a second, not {rate:.2f}.")


def _settings(probe: Probe) -> dict[str, str]:
    video, audio = probe.video, probe.audio
    return {
        "container": probe.container,
        "picture coding": video.codec,
        "picture size": f"{video.width}x{video.height}",
        "pixels": f"{video.pixel_format}, {video.sar}",
        "rotation": f"{video.rotation}°",
        "colours": _colours(video),
        "time base": str(video.time_base),
        "sound": f"{audio.codec}, {audio.sample_rate} Hz, {audio.channels} channels" if audio else "none",
        "tracks": f"pictures {video.index}, sound {audio.index if audio else 'none'}",
    }


def _colours(video: VideoStream) -> str:
    colour = video.colour
    return f"{colour.range}, {colour.matrix}, {colour.primaries}, {colour.transfer}"


def _refuse_gap(before: Chapter, after: Chapter) -> None:
    """Compare clocks where both files have one, and they are not simply the recording's beginning."""
    if before.created is None or after.created is None or before.created == after.created:
        return
    apart = (after.created - before.created).total_seconds()
    gap = apart - before.probe.duration
    if apart < 0:
        raise _not_one(f"By its clock {after.name} was begun before {before.name}, by its number after it.")
    if gap > _CLOCK_SLACK:
        raise FileRejected(
            "part_missing",
            f"Between {before.name} and {after.name} {gap:.0f} seconds are missing, by their clocks.",
        )


def _not_one(message: str) -> FileRejected:
    return FileRejected("not_one_recording", message)
