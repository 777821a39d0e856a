"""The timeline: waveform, the score of each class with its threshold, and the alarms, as one PNG."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from app.detector.classes import CLASSES
from app.detector.detect import Detections

COLOURS: Final = {
    "gunshot": "#D55E00",
    "automatic_fire": "#CC79A7",
    "explosion": "#E69F00",
    "firework": "#56B4E9",
    "scream": "#0072B2",
    "siren": "#009E73",
    "speech": "#555555",
}
"""Okabe and Ito's palette: told apart with any form of colour blindness; rows and names tell them apart as well."""
MOST_POINTS: Final = 4000


def _title(found: Detections) -> str:
    count = len(found.alarms)
    word = "alarm" if count == 1 else "alarms"
    first = f", first known at {min(e.available_at for e in found.alarms):.2f} s" if count else ""
    return f"{found.file}: {count} {word} in {found.duration:.1f} s{first}"


def _thin(values: np.ndarray) -> tuple[np.ndarray, int]:
    """Maxima over groups, so that a long recording keeps its peaks in a picture of bounded size."""
    group = max(1, -(-len(values) // MOST_POINTS))
    whole = values[: len(values) // group * group]
    return whole.reshape(-1, group).max(axis=1), group


def _waveform(axes: Any, found: Detections) -> None:
    lows, _ = _thin(-found.envelope[:, 0])
    highs, group = _thin(found.envelope[:, 1])
    times = np.arange(len(highs)) * 0.02 * group
    axes.fill_between(times, -lows, highs, color="#777777", linewidth=0)
    for event in found.alarms:
        axes.axvspan(event.onset, event.end, color=COLOURS[event.name], alpha=0.3, linewidth=0)
        axes.axvline(event.available_at, color="black", linewidth=1.2, linestyle=(0, (2, 2)))
    axes.set_ylim(-1.05, 1.05)
    axes.set_yticks([-1, 0, 1])
    axes.set_ylabel("sound", rotation=0, ha="right", va="center")


def _class_row(axes: Any, found: Detections, column: int, step: float) -> None:
    name = CLASSES[column]
    values, group = _thin(found.scores.values[:, column])
    axes.fill_between(
        np.arange(len(values)) * step * group, values, step="post", color=COLOURS[name], alpha=0.85
    )
    axes.axhline(found.thresholds[name], color="black", linewidth=0.8, linestyle="--")
    for event in found.events:
        if event.name == name:
            marker = "v" if event.alarm else "o"
            axes.plot(event.onset, 1.12, marker, color="black", markersize=5, clip_on=False)
    axes.set_ylim(0, 1.2)
    axes.set_yticks([0, 1])
    axes.set_ylabel(name.replace("_", " "), rotation=0, ha="right", va="center")


def plot(found: Detections, path: Path, *, step: float = 0.04) -> None:
    """Write the timeline of these detections as a PNG. Raises OSError when the file cannot be written."""
    figure = Figure(figsize=(12, 7.2), layout="constrained")
    FigureCanvasAgg(figure)
    rows = figure.subplots(len(CLASSES) + 1, 1, sharex=True, height_ratios=[2] + [1] * len(CLASSES))
    figure.suptitle(_title(found), fontsize=14)
    _waveform(rows[0], found)
    for column in range(len(CLASSES)):
        _class_row(rows[column + 1], found, column, step)
    for axes in rows:
        axes.spines[["top", "right"]].set_visible(False)
        axes.margins(x=0)
    rows[0].set_xlim(0, max(found.duration, step))
    rows[-1].set_xlabel("seconds from the start of the sound")
    note = "dashed horizontal: threshold · ▼ alarm, ● other event · dotted vertical: alarm known (look-ahead included)"
    if found.findings:
        note = "; ".join(found.findings)
        rows[0].text(0.5, 0.5, note, transform=rows[0].transAxes, ha="center", va="center", fontsize=11)
    figure.supxlabel(note, fontsize=9)
    figure.savefig(path, dpi=110, format="png")
