"""Findings in the sound: silence, impulses (shots, blows, doors) and other onsets."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ingest.frames import Ledger
from ingest.intervals import Span, frames_during, runs
from ingest.signals.sound import HOPS_PER_SECOND, SoundSignals
from ingest.signals.thresholds import Thresholds

SoundKind = Literal["impulse", "onset"]
_BLOCK = 4000
# An impulse rises within two hops: 20 ms.
_ATTACK_HOPS = 2
_ATTACK_DB = 8.0
# 60 ms: rounds of an automatic weapon at 1,000 a minute
_APART = 6


@dataclass(frozen=True, slots=True)
class SoundEvent:
    """A sudden sound: the frame on show when it begins, the second, and its strength (dB over what was before for an
    impulse, flux for an onset)."""

    kind: SoundKind
    frame: int
    seconds: float
    strength: float


def find_silence(signals: SoundSignals, ledger: Ledger, limits: Thresholds) -> tuple[Span, ...]:
    """Stretches whose every sample is below the threshold (FFmpeg's silencedetect, af_silencedetect.c), to 10 ms."""
    quiet = signals.peak < 32768 * 10 ** (limits.silence_db / 20)
    least = limits.silence_seconds * HOPS_PER_SECOND
    return _spans([(a, b) for a, b in runs(quiet) if b - a >= least], ledger)


def find_sounds(signals: SoundSignals, ledger: Ledger, limits: Thresholds) -> tuple[SoundEvent, ...]:
    """Impulses and other onsets in order of time; what is an impulse is not named an onset as well."""
    rise = signals.level - background(signals.level)
    impulses = find_impulses(signals.level, rise, limits)
    onsets = [hop for hop in find_onsets(signals.flux, limits) if not _near(hop, impulses)]
    events = [_event("impulse", hop, float(rise[hop : hop + _APART].max()), ledger) for hop in impulses]
    events += [_event("onset", hop, float(signals.flux[hop]), ledger) for hop in onsets]
    return tuple(sorted(events, key=lambda event: (event.seconds, event.kind)))


def find_impulses(level: NDArray[np.float32], rise: NDArray[np.float32], limits: Thresholds) -> list[int]:
    """Hops at which a loud sound begins at once.

    Level against its running median, after Dufaux et al., "Automatic sound detection and recognition for noisy
    environment" (EUSIPCO 2000); besides, the attack must be sharp, which tells a shot from a shout.
    """
    before = np.concatenate([np.full(_ATTACK_HOPS, level[:1]), level])[: len(level)] if len(level) else level
    sharp = level - before >= _ATTACK_DB
    loud = (rise >= limits.impulse_rise_db) & (level >= limits.impulse_db)
    return _first_of_each(np.flatnonzero(sharp & loud))


def find_onsets(flux: NDArray[np.float32], limits: Thresholds) -> list[int]:
    """Peaks of the flux that stand out by the threshold from its mean around them (Böck, Krebs and Schedl, "Evaluating
    the online capabilities of onset detection methods", ISMIR 2012)."""
    if not len(flux):
        return []
    around = np.lib.stride_tricks.sliding_window_view(np.pad(flux, _APART // 2, mode="edge"), _APART + 1)
    peaks = flux >= around.max(axis=1)
    del around  # one column of hours at a time
    mean = np.convolve(flux, np.ones(HOPS_PER_SECOND, np.float32) / HOPS_PER_SECOND, mode="full")[: len(flux)]
    mean += limits.onset_flux
    peaks &= flux >= mean
    return _first_of_each(np.flatnonzero(peaks))


def background(level: NDArray[np.float32]) -> NDArray[np.float32]:
    """Median of the second before each hop (H,), in dB; of the first second itself where there is none before."""
    if not len(level):
        return level
    start = np.full(HOPS_PER_SECOND, np.median(level[:HOPS_PER_SECOND]), dtype=np.float32)
    windows = np.lib.stride_tricks.sliding_window_view(np.concatenate([start, level[:-1]]), HOPS_PER_SECOND)
    medians = np.empty(len(level), dtype=np.float32)
    for at in range(0, len(windows), _BLOCK):
        medians[at : at + _BLOCK] = np.median(windows[at : at + _BLOCK], axis=1)
    return medians


def _first_of_each(hops: NDArray[np.int64]) -> list[int]:
    """The first of those that lie less than _APART from the one taken before."""
    taken: list[int] = []
    for hop in hops.tolist():
        if not taken or hop - taken[-1] >= _APART:
            taken.append(hop)
    return taken


def _near(hop: int, others: list[int]) -> bool:
    at = int(np.searchsorted(others, hop))
    return any(abs(other - hop) < _APART for other in others[max(0, at - 1) : at + 1])


def _event(kind: SoundKind, hop: int, strength: float, ledger: Ledger) -> SoundEvent:
    time = Fraction(hop, HOPS_PER_SECOND)
    return SoundEvent(kind, ledger.frame_at(time), float(time), round(strength, 2))


def _spans(hops: list[tuple[int, int]], ledger: Ledger) -> tuple[Span, ...]:
    found = [(Fraction(a, HOPS_PER_SECOND), Fraction(b, HOPS_PER_SECOND)) for a, b in hops]
    end = ledger.time_of(ledger.frame_count)
    return tuple(frames_during(ledger, a, min(b, end)) for a, b in found if a < end)
