"""Findings in the pictures: scene cuts, black, frozen pictures, motion."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from ingest.frames import Ledger
from ingest.intervals import Span, runs
from ingest.signals.pictures import PIXELS, PictureSignals
from ingest.signals.thresholds import Thresholds

# Of all change, how much must be light that came or went at once; of that light, how much may stay.
_FLASH_SHARE, _FLASH_LEFT = 0.8, 0.3
# Of the noise that one frame of a frozen picture may have, how much all have on average.
_STANDING = 0.25


@dataclass(frozen=True, slots=True)
class Cut:
    """The first frame of a new shot, and scdet's score for it, in per cent of full range."""

    frame: int
    score: float


def cut_scores(signals: PictureSignals) -> NDArray[np.float64]:
    """Score of each frame (N,), in per cent: the smaller of its difference to the frame before and of how much that
    difference itself changed, so that steady motion scores low.

    Formula: FFmpeg's scdet, libavfilter/vf_scdet.c (mafd over 2^bits, min of mafd and its change).
    """
    difference = signals.change * (100.0 / PIXELS / 256)
    scores: NDArray[np.float64] = np.minimum(difference, np.abs(np.diff(difference, prepend=0.0)))
    return scores


def find_cuts(signals: PictureSignals, limits: Thresholds) -> tuple[Cut, ...]:
    """Frames whose score reaches the threshold, without those on which a light flashes up."""
    scores = cut_scores(signals)
    found = np.flatnonzero(scores >= limits.cut_score)
    found = found[~_flashes(signals, found)]
    return tuple(Cut(int(n), round(float(scores[n]), 3)) for n in found)


def _flashes(signals: PictureSignals, at: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether, at each of the frames `at` (K,), a light flashes up or goes out again within three frames: a shot in the
    dark.

    Nearly everything becomes lighter, and soon after the picture is as dark as before; or the other way round.
    """
    padded = np.lib.stride_tricks.sliding_window_view(
        np.pad(signals.light.astype(np.int64), 4, mode="edge"), 4
    )
    before, after = padded[at], padded[at + 5]
    light, step = padded[at + 1, 3], padded[at + 1, 3] - before[:, 3]
    everywhere = np.abs(step) >= np.maximum(_FLASH_SHARE * signals.change[at], 1)
    was_so = np.where(step > 0, np.abs(after[:, :3] - (light - step)[:, None]).min(axis=1), 0)
    was_so = np.where(step < 0, np.abs(before[:, :3] - light[:, None]).min(axis=1), was_so)
    flashes: NDArray[np.bool_] = everywhere & (was_so <= _FLASH_LEFT * np.abs(step))
    return flashes


def find_black(signals: PictureSignals, ledger: Ledger, limits: Thresholds) -> tuple[Span, ...]:
    """Runs of frames that are all but black and last long enough (FFmpeg's blackdetect, vf_blackdetect.c)."""
    black = signals.dark >= limits.black_share * PIXELS
    return _lasting(runs(black), ledger, limits.black_seconds)


def find_frozen(signals: PictureSignals, ledger: Ledger, limits: Thresholds) -> tuple[Span, ...]:
    """Runs of frames that show one picture for long enough.

    FFmpeg's freezedetect (vf_freezedetect.c) compares with the first picture of the run; what is kept of chunks lets
    each frame be compared with the one before, and its light with that of the first of the run: a slow fade ends it.
    A still camera's noise is as small at this size, but never rests: the mean tells it from a picture that stands.
    """
    noise = limits.freeze_noise * PIXELS * 256
    still = signals.change <= noise
    still[0] = False
    found = []
    for start, end in runs(still):
        found += _steady(signals.light[start - 1 : end].tolist(), start - 1, noise)
    total = np.cumsum(signals.change)
    standing = [(a, b) for a, b in found if total[b - 1] - total[a] <= _STANDING * noise * (b - a)]
    return _lasting(standing, ledger, limits.freeze_seconds)


def _steady(light: list[int], offset: int, noise: float) -> list[tuple[int, int]]:
    """Split a still run where its light has drifted from that of its first frame."""
    bounds = [0]
    reference = light[0]
    for position, value in enumerate(light):
        if abs(value - reference) > noise:
            bounds.append(position)
            reference = value
    return [
        (offset + a, offset + b) for a, b in zip(bounds, [*bounds[1:], len(light)], strict=True) if b - a > 1
    ]


def find_motion(signals: PictureSignals, ledger: Ledger, limits: Thresholds) -> tuple[Span, ...]:
    """Stretches in which the picture moves: whole seconds whose differences, cuts apart, sum up to the threshold."""
    seconds = seconds_of(ledger)
    change = np.where(cut_scores(signals) >= limits.cut_score, 0, signals.change)
    moving = np.bincount(seconds, weights=change / (PIXELS * 256.0)) >= limits.motion
    starts = np.searchsorted(seconds, np.arange(len(moving) + 1), side="left")
    spans = [(int(starts[a]), int(starts[b])) for a, b in runs(moving)]
    return _lasting(spans, ledger, limits.motion_seconds)


def seconds_of(ledger: Ledger) -> NDArray[np.int64]:
    """Whole seconds from the first frame to each frame (N,), rounded down, from its time stamp."""
    base = ledger.time_base
    seconds: NDArray[np.int64] = (ledger.pts - ledger.pts[0]) * base.numerator // base.denominator
    return seconds


def per_second(values: NDArray[np.float64], seconds: NDArray[np.int64]) -> NDArray[np.float64]:
    """Mean of `values` (N,) over the frames that begin in each second; NaN where none does."""
    counts = np.bincount(seconds)
    sums = np.bincount(seconds, weights=values)
    means = np.full(len(counts), np.nan)
    np.divide(sums, counts, out=means, where=counts > 0)
    return means


def _lasting(spans: list[tuple[int, int]], ledger: Ledger, shortest: float) -> tuple[Span, ...]:
    """Those that last at least so many seconds, from the time of the first frame to the end of the last."""
    least = Fraction(str(shortest))
    return tuple(Span(a, b) for a, b in spans if ledger.time_of(b) - ledger.time_of(a) >= least)
