"""Beds of sound under a scene: wind, engines, rain, crowds, hum, and a quiet microphone."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from app.detector.synth.dsp import Rng, Wave, add_at, band, log_uniform, noise, normalise, smooth_walk, tone
from app.detector.synth.voices import speech


def wind(rng: Rng, count: int) -> Wave:
    """Wind on an unshielded microphone: low noise in gusts."""
    gusts = np.exp(1.5 * smooth_walk(rng, count, rng.uniform(0.5, 4)))
    return normalise(band(noise(rng, count, 0.9), 20, log_uniform(rng, 150, 1500), 1) * gusts)


def engine(rng: Rng, count: int) -> Wave:
    """A vehicle from inside or beside: firing frequency with partials that hunt, road noise."""
    speed = log_uniform(rng, 25, 140) * (1 + 0.25 * smooth_walk(rng, count, 0.5))
    partials = rng.uniform(0.1, 1, 14) / np.arange(1, 15) ** rng.uniform(0.3, 1)
    return normalise(tone(speed, partials) + rng.uniform(0.2, 1.5) * noise(rng, count, rng.uniform(0.4, 0.9)))


def rain(rng: Rng, count: int) -> Wave:
    """Steady broadband noise."""
    return normalise(band(noise(rng, count, rng.uniform(0, 0.5)), log_uniform(rng, 50, 800), 7800, 1))


def hum(rng: Rng, count: int) -> Wave:
    """Mains and ventilation."""
    mains = tone(np.full(count, rng.choice([50.0, 60.0])), rng.uniform(0, 1, 8))
    return normalise(mains * rng.uniform(0, 0.4) + noise(rng, count, rng.uniform(0.5, 1)))


def crowd(rng: Rng, count: int) -> Wave:
    """Many voices at once, none of them understood: not labelled as speech."""
    out = np.zeros(count)
    for _ in range(3):
        voice, _ = speech(rng)
        for start in range(-int(rng.integers(0, len(voice))), count, len(voice)):
            add_at(out, rng.uniform(0.3, 1) * voice, start)
    return normalise(band(out, 150, log_uniform(rng, 1000, 4000), 1) + 0.1 * noise(rng, count, 0.5))


def quiet(rng: Rng, count: int) -> Wave:
    """Only the microphone's own noise."""
    return normalise(noise(rng, count, rng.uniform(0, 0.5)))


BEDS: tuple[Callable[[Rng, int], Wave], ...] = (wind, engine, rain, hum, crowd, quiet)
