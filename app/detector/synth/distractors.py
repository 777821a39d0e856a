"""Sounds that must not raise an alarm: short ones that resemble shots, and long ones that hide them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from app.detector.synth.dsp import (
    Rng,
    Wave,
    add_at,
    band,
    clock,
    decay,
    log_uniform,
    noise,
    normalise,
    seconds,
    smooth_walk,
    tone,
)


def _modal(rng: Rng, low: float, high: float, modes: int, ring: float) -> np.ndarray:
    """A struck body: damped modes between `low` and `high` Hz, and the contact's click."""
    count = seconds(min(1.2, ring * 5 + 0.03))
    times = clock(count)
    out = np.zeros(count)
    for _ in range(modes):
        damping = ring * rng.uniform(0.3, 1.2)
        out += (
            rng.uniform(0.2, 1)
            * np.sin(2 * np.pi * log_uniform(rng, low, high) * times)
            * np.exp(-times / damping)
        )
    click = band(noise(rng, count), low, 7500, 1) * decay(count, log_uniform(rng, 0.001, 0.008))
    return np.asarray(normalise(out) * rng.uniform(0.3, 1) + normalise(click) * rng.uniform(0.1, 1))


def _repeated(rng: Rng, make: Callable[[], np.ndarray], times: int, period: float) -> Wave:
    out = np.zeros(seconds(times * period + 1.3))
    for number in range(times):
        at = number * period * rng.uniform(0.92, 1.08) if number else 0.0
        add_at(out, rng.uniform(0.6, 1) * make(), seconds(at) if at else 0)
    return normalise(out)


def door(rng: Rng) -> Wave:
    """A door that slams: thump, latch, rattle."""
    body = _modal(rng, 45, 400, 6, log_uniform(rng, 0.04, 0.2))
    out = np.zeros(seconds(1.0))
    add_at(out, body, seconds(rng.uniform(0, 0.06)))
    for _ in range(int(rng.integers(1, 6))):
        latch = _modal(rng, 900, 5000, 4, 0.01)
        add_at(out, rng.uniform(0.05, 0.5) * latch, seconds(rng.uniform(0, 0.25)))
    return normalise(out)


def hammer(rng: Rng) -> Wave:
    """Hammering on wood, metal or stone."""
    low = log_uniform(rng, 150, 1500)
    ring = log_uniform(rng, 0.01, 0.25)
    strike = int(rng.integers(3, 9))
    return _repeated(
        rng, lambda: _modal(rng, low, low * 5, strike, ring), int(rng.integers(1, 9)), rng.uniform(0.22, 0.7)
    )


def clap(rng: Rng) -> Wave:
    """Hand claps, a few or an applause."""
    centre = log_uniform(rng, 700, 2500)

    def make() -> np.ndarray:
        count = seconds(0.05)
        return band(noise(rng, count), centre * 0.6, centre * 1.9, 2) * decay(
            count, log_uniform(rng, 0.003, 0.012)
        )

    many = rng.random() < 0.3
    count = int(rng.integers(30, 80)) if many else int(rng.integers(1, 8))
    return _repeated(rng, make, count, rng.uniform(0.03, 0.06) if many else rng.uniform(0.2, 0.6))


def footsteps(rng: Rng) -> Wave:
    """Walking or running on a hard or loose surface."""
    cut, loose = log_uniform(rng, 300, 5000), rng.random() < 0.4

    def make() -> np.ndarray:
        count = seconds(0.25)
        return band(noise(rng, count, 0.3), 60, cut, 1.5) * decay(count, 0.05 if loose else 0.012, 0.002)

    return _repeated(rng, make, int(rng.integers(2, 10)), rng.uniform(0.3, 0.65))


def handling(rng: Rng) -> Wave:
    """Knocks and rubbing on the camera itself: low thumps close to the microphone, cloth."""
    count = seconds(rng.uniform(0.2, 1.5))
    out = band(noise(rng, count, 0.6), 30, log_uniform(rng, 200, 3000), 1.5) * (
        0.5 + 0.5 * smooth_walk(rng, count, 15)
    )
    for _ in range(int(rng.integers(0, 4))):
        thump = band(noise(rng, seconds(0.15), 0.8), 25, log_uniform(rng, 100, 900)) * decay(
            seconds(0.15), 0.025
        )
        add_at(out, 4 * rng.uniform(0.3, 1) * thump, int(rng.integers(0, count)))
    return normalise(out)


def pop(rng: Rng) -> Wave:
    """One dry impulse: balloon, cork, dropped board, spark, radio click."""
    count = seconds(0.3)
    low = log_uniform(rng, 60, 1500)
    out = band(noise(rng, count), low, min(7800, low * log_uniform(rng, 2, 12)), 2)
    return normalise(out * decay(count, log_uniform(rng, 0.0015, 0.05), 0.0005))


def thunder(rng: Rng) -> Wave:
    """Rolling thunder: low noise that swells several times, without a first blast."""
    count = seconds(rng.uniform(2.5, 6))
    swell = np.zeros(count)
    for _ in range(int(rng.integers(3, 10))):
        add_at(
            swell,
            rng.uniform(0.2, 1) * decay(count, rng.uniform(0.2, 0.9), rng.uniform(0.03, 0.4)),
            int(rng.integers(0, count * 2 // 3)),
        )
    return normalise(band(noise(rng, count, 0.6), 25, log_uniform(rng, 150, 1200), 1) * swell)


def bark(rng: Rng) -> Wave:
    """Barks and other short animal calls."""
    base = log_uniform(rng, 150, 1200)

    def make() -> np.ndarray:
        count = seconds(rng.uniform(0.08, 0.35))
        arc = np.interp(np.linspace(0, 1, count), [0, 0.3, 1], [0.8, 1.1, rng.uniform(0.5, 0.9)])
        call = tone(base * arc, 1 / np.arange(1, 12) ** 0.7) + 0.5 * noise(rng, count, 0.4)
        return call * np.sin(np.linspace(0, np.pi, count)) ** 0.5

    return _repeated(rng, make, int(rng.integers(1, 6)), rng.uniform(0.25, 0.8))


def horn(rng: Rng) -> Wave:
    """Vehicle horn, whistle, beep or ringing bell: steady tones, not sirens."""
    count = seconds(rng.uniform(0.15, 2.0))
    pitch = log_uniform(rng, 250, 3500)
    out = tone(np.full(count, pitch), 1 / np.arange(1, 10) ** rng.uniform(0.4, 2.5))
    if rng.random() < 0.5:
        out += tone(np.full(count, pitch * rng.choice([1.19, 1.26, 1.5])), 1 / np.arange(1, 8))
    edge = np.minimum(1, np.minimum(clock(count), clock(count)[::-1]) / 0.01)
    return normalise(out * (edge if rng.random() < 0.6 else decay(count, rng.uniform(0.1, 0.6))))


def music(rng: Rng) -> Wave:
    """Chords and a drum kit at a steady beat, 3–8 s."""
    out = np.zeros(seconds(rng.uniform(3, 8)))
    beat = 60 / rng.uniform(70, 170)
    root = log_uniform(rng, 80, 500)
    drums = rng.random() < 0.7
    for number in range(int(len(out) / 16_000 / beat)):
        at = seconds(number * beat) if number else 0
        for step in rng.choice([0, 3, 4, 5, 7, 9, 12], 2):
            count = seconds(beat * rng.uniform(0.5, 2))
            note = tone(np.full(count, root * 2 ** (step / 12)), 1 / np.arange(1, 7) ** 1.2)
            add_at(out, 0.25 * note * decay(count, beat, 0.01), at)
        if drums:
            kick = np.sin(2 * np.pi * 55 * clock(seconds(0.2))) * decay(seconds(0.2), 0.05)
            snare = band(noise(rng, seconds(0.2)), 300, 7000, 1) * decay(seconds(0.2), 0.05)
            add_at(out, (kick if number % 2 == 0 else 0.5 * snare) * rng.uniform(0.5, 1), at)
    return normalise(out)


IMPULSIVE: tuple[Callable[[Rng], Wave], ...] = (
    door, hammer, clap, footsteps, handling, pop, thunder, bark, horn, music,
)  # fmt: skip
"""Everything that may be mixed into a scene as a distractor."""
