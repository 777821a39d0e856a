"""Lines and bars of the report page: numbers in, SVG paths and positions out. A drawing is WIDE units wide."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ingest.waveform import read_waveform

WIDE = 1000
_LEAST_WIDTH = 2.0
_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400)
_MOST_TICKS = 6


@dataclass(frozen=True, slots=True)
class Bar:
    """A stretch of a timeline in units from its left, and what it is."""

    x: float
    width: float
    label: str


@dataclass(frozen=True, slots=True)
class Tick:
    """A time on the axis: its place in per cent, and how it is written."""

    percent: float
    label: str


def bar(start: float, end: float, total: float, label: str) -> Bar:
    """A bar from `start` to `end` seconds of `total`, wide enough to be seen."""
    width = max(_LEAST_WIDTH, WIDE * (end - start) / total)
    return Bar(round(min(WIDE - width, WIDE * start / total), 2), round(width, 2), label)


def ticks(total: float) -> list[Tick]:
    """At most seven round times over `total` seconds."""
    step = next((step for step in _STEPS if total / step <= _MOST_TICKS), _STEPS[-1])
    return [Tick(round(100 * at / total, 3), clock(at, 0)) for at in range(0, int(total) + 1, step)]


def clock(seconds: float, digits: int = 1) -> str:
    """Seconds as people write them: 1:02:03.4."""
    units = round(seconds * 10**digits)
    whole, part = divmod(units, 10**digits)
    hours, minutes = divmod(whole // 60, 60)
    ahead = f"{hours}:{minutes:02}" if hours else f"{minutes}"
    return f"{ahead}:{whole % 60:02}" + (f".{part:0{digits}}" if digits else "")


def curve(values: Sequence[float | None], total: float, highest: float, height: int) -> str:
    """Path of an area under one value a second, 0 to `highest`; a second without a value has none."""
    points = [f"M0 {height}"]
    for second, value in enumerate(values):
        left, right = (round(min(WIDE, WIDE * at / total), 2) for at in (second, second + 1))
        y = height - height * min(1.0, (value or 0.0) / highest)
        points.append(f"L{left} {y:.2f}L{right} {y:.2f}")
    return "".join(points) + f"L{WIDE} {height}Z"


def waveform(path: Path, total: float, height: int) -> str:
    """Path of the peaks in a `waveform.json` (BBC audiowaveform, version 2), drawn over `total` seconds."""
    seconds, peaks = read_waveform(path)
    peaks = peaks[: max(1, round(total / seconds))]
    if not len(peaks):
        return ""
    starts = np.unique(np.linspace(0, len(peaks), WIDE, endpoint=False).astype(np.int64))
    low, high = np.minimum.reduceat(peaks[:, 0], starts), np.maximum.reduceat(peaks[:, 1], starts)
    x = WIDE * starts * seconds / total
    middle, scale = height / 2, height / 256
    above = [f"{a:.1f} {middle - scale * b:.1f}" for a, b in zip(x, high, strict=True)]
    below = [f"{a:.1f} {middle - scale * b:.1f}" for a, b in zip(x, low, strict=True)]
    return "M" + "L".join([*above, *reversed(below)]) + "Z"
