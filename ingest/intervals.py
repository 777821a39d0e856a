"""Half-open intervals of frames, and the way to them from seconds and from runs of true values."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from ingest.frames import Ledger


@dataclass(frozen=True, slots=True)
class Span:
    """Frames start_frame ≤ n < end_frame of a recording."""

    start_frame: int
    end_frame: int


@dataclass(frozen=True, slots=True)
class Interval(Span):
    """The frames of a clip; `reasons` why it was cut so (sorted), `eventful` False where somebody
    looked and noticed nothing in it."""

    reasons: tuple[str, ...] = ()
    eventful: bool = True


def runs(mask: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Maximal half-open runs [start, end) of true values in `mask` (N,)."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8)))
    return [(int(start), int(end)) for start, end in edges.reshape(-1, 2)]


def frames_during(ledger: Ledger, start: Fraction, end: Fraction) -> Span:
    """The frames on show at some moment of [start, end), in seconds after the first; never empty."""
    first = ledger.frame_at(max(Fraction(0), start))
    last = ledger.frame_at(max(Fraction(0), end))
    return Span(first, max(first + 1, last + (ledger.time_of(last) < end)))


def merged(spans: Iterable[tuple[int, int]], gap: int = 0) -> list[tuple[int, int]]:
    """Sorted, disjoint [start, end) that cover `spans`; what lies at most `gap` apart becomes one."""
    whole: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if whole and start - whole[-1][1] <= gap:
            whole[-1] = (whole[-1][0], max(whole[-1][1], end))
        else:
            whole.append((start, end))
    return whole
