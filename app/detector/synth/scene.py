"""A labelled scene: targets and distractors over beds of sound, heard through a body-worn camera."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np

from app.detector.classes import CLASSES
from app.detector.corpus import Clip, Label
from app.detector.features import RATE, Samples
from app.detector.synth import ambience, blasts, voices
from app.detector.synth.channel import camera
from app.detector.synth.distractors import IMPULSIVE
from app.detector.synth.dsp import Rng, Wave, add_at, seconds

SECONDS: Final = 5.0
SHOT_LENGTH: Final = 0.2
"""How long one shot is labelled for: its blast and first reflections, not the tail that a valley returns."""
_WEIGHTS: Final = np.array([0.30, 0.12, 0.13, 0.13, 0.11, 0.09, 0.12])
REAL_SHARE: Final = 0.5
"""Chance that a source is a real recording where a corpus is given."""


@dataclass(frozen=True, slots=True)
class Scene:
    """Sound of a scene and what is heard in it."""

    samples: Samples
    labels: tuple[Label, ...]


@dataclass(frozen=True, slots=True)
class Palette:
    """Real clips to draw from besides the synthesised ones; empty for the reproducible default."""

    targets: dict[str, list[Clip]] = field(default_factory=dict)
    distractors: list[Clip] = field(default_factory=list)
    beds: list[Clip] = field(default_factory=list)

    @classmethod
    def of(cls, clips: list[Clip]) -> Palette:
        """Sort clips: labelled ones to their class, long ambient ones also to the beds."""
        targets: dict[str, list[Clip]] = {}
        for clip in clips:
            for name in dict.fromkeys(label.name for label in clip.recording.events):
                targets.setdefault(name, []).append(clip)
        negatives = [clip for clip in clips if not clip.recording.events]
        beds = [c for c in negatives if c.recording.slice == "ambient" and len(c.samples) > 2 * RATE]
        return cls(targets, negatives, beds)


def _synthesise(rng: Rng, name: str) -> tuple[Wave, list[Label]]:
    if name == "gunshot":
        wave, onsets = blasts.gunshots(rng)
        return wave, [Label(name, onset, onset + SHOT_LENGTH) for onset in onsets]
    make = {
        "automatic_fire": blasts.automatic_fire,
        "explosion": blasts.explosion,
        "firework": blasts.firework,
        "scream": voices.scream,
        "siren": voices.siren,
        "speech": voices.speech,
    }[name]
    wave, length = make(rng)
    return wave, [Label(name, 0.0, length)]


def _varied(rng: Rng, clip: Clip) -> tuple[Wave, float]:
    """A clip played up to 15 % faster or slower: (sound, factor by which its times shrink)."""
    rate = float(rng.uniform(0.85, 1.15))
    count = max(2, int(len(clip.samples) / rate))
    places = np.linspace(0, len(clip.samples) - 1, count)
    return np.interp(places, np.arange(len(clip.samples)), clip.samples).astype(np.float32), rate


def _target(rng: Rng, palette: Palette, name: str) -> tuple[Wave, list[Label]]:
    clips = palette.targets.get(name)
    if clips and rng.random() < REAL_SHARE:
        clip = clips[int(rng.integers(len(clips)))]
        wave, rate = _varied(rng, clip)
        return wave, [Label(e.name, e.onset / rate, e.end / rate) for e in clip.recording.events]
    return _synthesise(rng, name)


def _distractor(rng: Rng, palette: Palette) -> Wave:
    if palette.distractors and rng.random() < REAL_SHARE:
        return _varied(rng, palette.distractors[int(rng.integers(len(palette.distractors)))])[0]
    return IMPULSIVE[int(rng.integers(len(IMPULSIVE)))](rng)


def _bed(rng: Rng, palette: Palette, count: int) -> Wave:
    if palette.beds and rng.random() < REAL_SHARE:
        wave, _ = _varied(rng, palette.beds[int(rng.integers(len(palette.beds)))])
        return np.resize(wave, count)
    return ambience.BEDS[int(rng.integers(len(ambience.BEDS)))](rng, count)


def _decibels(rng: Rng, low: float, high: float) -> float:
    return float(10 ** (rng.uniform(low, high) / 20))


def draw_scene(rng: Rng, palette: Palette, *, events: bool = True) -> Scene:
    """One scene of 5 s; `events=False` leaves the targets out (for counting false alarms)."""
    count = seconds(SECONDS)
    mix = np.zeros(count)
    for _ in range(int(rng.integers(1, 3))):
        add_at(mix, _decibels(rng, -50, -12) * _bed(rng, palette, count), 0)
    for _ in range(int(rng.choice([0, 1, 1, 2, 3]))):
        add_at(
            mix, _decibels(rng, -28, 0) * _distractor(rng, palette), int(rng.integers(0, count - RATE // 4))
        )
    labels: list[Label] = []
    wanted = int(rng.choice([0, 1, 1, 2, 2, 3])) if events else 0
    for name in rng.choice(CLASSES, wanted, p=_WEIGHTS):
        wave, spans = _target(rng, palette, str(name))
        start = int(rng.integers(0, count - RATE // 2))
        add_at(mix, _decibels(rng, -24, 4) * wave, start)
        shift = start / RATE
        labels += [
            Label(s.name, s.onset + shift, min(s.end + shift, SECONDS))
            for s in spans
            if s.onset + shift < SECONDS
        ]
    return Scene(camera(rng, mix), tuple(labels))
