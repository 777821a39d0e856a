"""What happens when, as rows of bars: the clips, and what was found in pictures and sound."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from ingest.drawing import Bar, bar, clock, curve
from ingest.frames import Ledger
from ingest.intervals import Span
from ingest.report import Report
from ingest.signals.findings import Findings

# A second in which the picture changes by so much of its range is as lively as a curve shows.
_LIVELY = 1.0
CURVE_HEIGHT = 40


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the timeline. `kind` is its class; `bars` what to draw, or `path` of a curve; `said` sums it up."""

    kind: str
    title: str
    said: str
    bars: tuple[Bar, ...] = ()
    path: str = ""


@dataclass(frozen=True, slots=True)
class Moment:
    """Something that happens at once, and how strongly, in its own measure."""

    seconds: float
    frame: int
    what: str
    score: float


_SOUNDS = {"impulse": "Sudden loud sounds", "onset": "Other onsets of sound"}


def moments_of(findings: Findings | None, ledger: Ledger) -> list[Moment]:
    """Cuts and sounds in order of time."""
    if findings is None:
        return []
    cuts = [Moment(float(ledger.time_of(c.frame)), c.frame, "scene cut", c.score) for c in findings.cuts]
    names = {"impulse": "sudden loud sound", "onset": "onset of sound"}
    sounds = [Moment(s.seconds, s.frame, names[s.kind], s.strength) for s in findings.sounds]
    return sorted([*cuts, *sounds], key=lambda one: one.seconds)


def rows_of(report: Report, findings: Findings | None, ledger: Ledger, total: float) -> list[Row]:
    """The rows that a report has something for; `total` is the recording's length in seconds."""

    def time(frame: int) -> float:
        return float(ledger.time_of(frame))

    quiet = [clip for clip in report.clips if not clip.eventful]
    loud = [clip for clip in report.clips if clip.eventful]
    rows = [
        _row("eventful", "Clips", [(c.start_frame, c.end_frame) for c in loud], time, total),
        _row("uneventful", "Uneventful clips", [(c.start_frame, c.end_frame) for c in quiet], time, total),
    ]
    return rows + (_found(findings, time, total) if findings else [])


def _found(findings: Findings, time: Callable[[int], float], total: float) -> list[Row]:
    rows = []
    if findings.pictures:
        rows += [
            _row("cut", "Scene cuts", [(cut.frame, cut.frame) for cut in findings.cuts], time, total),
            _row("black", "Black", _pairs(findings.black), time, total),
            _row("frozen", "Frozen pictures", _pairs(findings.frozen), time, total),
            _row("motion", "Motion", _pairs(findings.motion), time, total),
        ]
        path = curve(findings.curves.change, total, _LIVELY, CURVE_HEIGHT)
        rows.append(Row("curve", "Change of the picture", "each second", path=path))
    if findings.sound:
        for kind, title in _SOUNDS.items():
            heard = [(one.frame, one.frame) for one in findings.sounds if one.kind == kind]
            rows.append(_row(kind, title, heard, time, total))
        rows.append(_row("silence", "Silence", _pairs(findings.silence), time, total))
    if findings.speech is not None:
        rows.append(_row("speech", "Speech", _pairs(findings.speech), time, total))
    return rows


def _pairs(spans: Iterable[Span]) -> list[tuple[int, int]]:
    return [(span.start_frame, span.end_frame) for span in spans]


def _row(
    kind: str, title: str, spans: list[tuple[int, int]], time: Callable[[int], float], total: float
) -> Row:
    bars = []
    for start, end in spans:
        label = clock(time(start)) if start == end else f"{clock(time(start))} to {clock(time(end))}"
        bars.append(bar(time(start), time(end), total, label))
    return Row(kind, title, str(len(spans)) if spans else "none", tuple(bars))
