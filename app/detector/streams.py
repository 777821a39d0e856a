"""Test streams laid out from real recordings: a bed, distractors at a stated load, and labelled gunfire.

No synthesised sound and no channel simulation enters: recordings are only scaled and added, so what is measured
is what the microphones heard. Placement is seeded.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.detector.classes import GUNFIRE
from app.detector.corpus import Clip
from app.detector.features import RATE, Samples
from app.detector.metrics import Truth, merge_truths

SLOT = 10.0
"""Seconds: one distractor in each slot is 360 an hour."""
FADE = RATE // 2
"""Samples over which one bed gives way to the next."""


@dataclass(frozen=True, slots=True)
class TestStream:
    """Sound with the gunfire in it; `distractors_per_hour` is stated beside every false-alarm figure."""

    samples: Samples
    truths: list[Truth]
    distractors_per_hour: float

    @property
    def hours(self) -> float:
        """Length in hours."""
        return len(self.samples) / RATE / 3600


def is_gunfire(clip: Clip) -> bool:
    """Whether the recording holds labelled gunfire."""
    return any(label.name in GUNFIRE for label in clip.recording.events)


def _lay(out: np.ndarray, wave: np.ndarray, start: float, decibels: float) -> None:
    first = round(start * RATE)
    part = wave[: max(0, len(out) - first)]
    out[first : first + len(part)] += part * 10 ** (decibels / 20)


def _bed(rng: np.random.Generator, beds: list[Clip], count: int) -> np.ndarray:
    """Ambient recordings one after another, cross-faded: a hard splice would click like a shot."""
    out = np.zeros(count + RATE)
    at = 0
    while at < count:
        wave = beds[int(rng.integers(len(beds)))].samples.astype(np.float64)
        ramp = np.minimum(1.0, np.arange(len(wave)) / FADE)
        _lay(out, wave * ramp * ramp[::-1], at / RATE, rng.uniform(-45, -25))
        at += len(wave) - FADE
    return out[:count]


def lay_out(
    clips: list[Clip], *, seed: int, minutes: int, distractors_per_hour: float, takes: int
) -> TestStream:
    """A stream of that length with `takes` takes of each gunfire recording, never two in one 10 s slot's start."""
    rng = np.random.default_rng(seed)
    guns = [clip for clip in clips if is_gunfire(clip)]
    others = [clip for clip in clips if not is_gunfire(clip)]
    beds = [c for c in others if c.recording.slice == "ambient" and len(c.samples) > 5 * RATE]
    out = _bed(rng, beds, minutes * 60 * RATE)
    slots = int(minutes * 60 / SLOT) - 1
    for slot in rng.permutation(slots)[: round(distractors_per_hour * minutes / 60)]:
        clip = others[int(rng.integers(len(others)))]
        _lay(out, clip.samples[: 10 * RATE], slot * SLOT + rng.uniform(0, 6), rng.uniform(-20, 0))
    truths = []
    schedule = [clip for clip in guns for _ in range(takes)]
    for clip, slot in zip(schedule, rng.permutation(slots), strict=False):
        start = slot * SLOT + rng.uniform(0, 4)
        _lay(out, clip.samples, start, rng.uniform(-15, 0))
        truths += [
            Truth(start + e.onset, start + e.end, clip.recording.author) for e in clip.recording.events
        ]
    samples = np.clip(out, -1, 1).astype(np.float32)
    return TestStream(samples, merge_truths(truths), distractors_per_hour)
