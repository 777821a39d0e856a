"""Impulsive targets: gunshots, automatic fire, explosions, fireworks.

A muzzle blast follows Friedlander's form p(t) = (1 - t/T) exp(-b t/T); a supersonic bullet adds Whitham's N-wave
ahead of it; ground and walls return both; turbulence and the diffuse tail are noise that darkens as it decays.
"""

from __future__ import annotations

from dataclasses import dataclass

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
    tone,
)


@dataclass(frozen=True, slots=True)
class Gun:
    """What stays the same from shot to shot of one weapon at one place."""

    blast: float
    turbulence: float
    brightness: float
    n_wave: float
    lead: float
    reflections: tuple[tuple[float, float, float], ...]
    tail: float
    tail_gain: float
    mechanics: float


def friedlander(rng: Rng, positive: float) -> np.ndarray:
    """One blast wave whose positive phase lasts `positive` seconds."""
    times = clock(seconds(positive * 12 + 0.002))
    return np.asarray((1 - times / positive) * np.exp(-rng.uniform(0.8, 1.6) * times / positive))


def draw_gun(rng: Rng) -> Gun:
    """A weapon, its distance and its surroundings."""
    indoor = rng.random() < 0.35
    count = int(rng.integers(2, 9))
    span = 0.06 if indoor else 0.5
    walls = tuple(
        (log_uniform(rng, 0.002, span), log_uniform(rng, 0.05, 0.6), log_uniform(rng, 800, 6000))
        for _ in range(count)
    )
    return Gun(
        blast=log_uniform(rng, 0.0002, 0.004),
        turbulence=log_uniform(rng, 0.004, 0.06),
        brightness=log_uniform(rng, 900, 7500),
        n_wave=rng.uniform(0.2, 1.2) if rng.random() < 0.35 else 0.0,
        lead=rng.uniform(0.0, 0.08),
        reflections=walls,
        tail=log_uniform(rng, 0.08, 0.6) if indoor else log_uniform(rng, 0.05, 0.5),
        tail_gain=log_uniform(rng, 0.02, 0.35),
        mechanics=rng.uniform(0, 0.06) if rng.random() < 0.4 else 0.0,
    )


def shot(rng: Rng, gun: Gun, length: float = 1.2) -> Wave:
    """One shot of that weapon, from its first sound on; peak 1."""
    count = seconds(length)
    direct = np.zeros(count)
    start = 0
    if gun.n_wave:
        width = seconds(rng.uniform(0.00025, 0.0008))
        add_at(direct, gun.n_wave * np.linspace(1, -1, width), 0)
        start = seconds(gun.lead)
    add_at(direct, friedlander(rng, gun.blast * rng.uniform(0.9, 1.1)), start)
    burst = noise(rng, seconds(gun.turbulence * 6), rng.uniform(0.0, 0.6))
    add_at(direct, rng.uniform(0.2, 0.7) * burst * decay(len(burst), gun.turbulence, 0.0005), start)
    out = band(direct, 50, gun.brightness, 1.5)
    dry = out.copy()
    for delay, gain, cut in gun.reflections:
        add_at(out, gain * band(dry, 40, cut, 1), seconds(delay))
    top = np.max(np.abs(out))
    for cut, share in ((gun.brightness, 0.35), (1200.0, 1.0)):
        tail = band(noise(rng, count, 0.4), 60, cut, 1.5) * decay(count, gun.tail * share, 0.01)
        out += gun.tail_gain * top * tail
    if gun.mechanics:
        click = band(noise(rng, seconds(0.02)), 1500, 7000) * decay(seconds(0.02), 0.004)
        add_at(out, gun.mechanics * top * click, start + seconds(rng.uniform(0.03, 0.12)))
    return normalise(out)


def gunshots(rng: Rng) -> tuple[Wave, list[float]]:
    """One to six aimed shots of one weapon: (sound, onsets in seconds)."""
    gun = draw_gun(rng)
    onsets = [0.0]
    for _ in range(int(rng.choice([0, 0, 1, 2, 3, 5]))):
        onsets.append(onsets[-1] + log_uniform(rng, 0.22, 1.8))
    out = np.zeros(seconds(onsets[-1] + 1.3))
    for onset in onsets:
        add_at(out, rng.uniform(0.8, 1.0) * shot(rng, gun), seconds(onset) if onset else 0)
    return normalise(out), onsets


def automatic_fire(rng: Rng) -> tuple[Wave, float]:
    """A burst at 550–1,100 rounds a minute: (sound, its length from first shot to last plus 0.1 s)."""
    gun = draw_gun(rng)
    period = 60 / rng.uniform(550, 1100)
    rounds = int(rng.integers(3, 26))
    out = np.zeros(seconds(rounds * period + 1.0))
    takes = [shot(rng, gun, 0.8) for _ in range(3)]
    for number in range(rounds):
        start = seconds(max(0.0, number * period + rng.normal(0, 0.02) * period)) if number else 0
        add_at(out, rng.uniform(0.85, 1.0) * takes[number % 3], start)
    return normalise(out), (rounds - 1) * period + 0.1


def explosion(rng: Rng) -> tuple[Wave, float]:
    """A long blast, rumble, falling debris: (sound, audible length in seconds)."""
    rumble = log_uniform(rng, 0.25, 1.2)
    count = seconds(rumble * 3 + 0.5)
    out = np.zeros(count)
    add_at(out, friedlander(rng, log_uniform(rng, 0.006, 0.06)), 0)
    cut = log_uniform(rng, 150, 1800)
    out += rng.uniform(0.3, 1.0) * band(noise(rng, count, 0.7), 25, cut, 1.2) * decay(count, rumble, 0.004)
    if rng.random() < 0.5:
        out += rng.uniform(0.05, 0.3) * band(noise(rng, count), 200, 5000, 1) * decay(count, 0.08)
    for _ in range(int(rng.integers(0, 25))):
        bit = band(noise(rng, seconds(0.03)), 1000, 6000) * decay(seconds(0.03), 0.006)
        add_at(out, rng.uniform(0, 0.08) * bit, seconds(rng.uniform(0.2, rumble * 3)))
    return normalise(out), min(2.5, rumble * 2)


def _crackle(rng: Rng, out: np.ndarray, start: float) -> float:
    length = rng.uniform(0.4, 1.6)
    for _ in range(int(rng.integers(15, 90))):
        pop = band(noise(rng, seconds(0.012)), log_uniform(rng, 500, 2500), 7500) * decay(
            seconds(0.012), 0.002
        )
        add_at(out, log_uniform(rng, 0.03, 0.3) * pop, seconds(start + length * rng.beta(1.2, 2)))
    return length


def firework(rng: Rng) -> tuple[Wave, float]:
    """Lift, whistle, one to four dull reports and a crackle: (sound, audible length in seconds)."""
    out = np.zeros(seconds(6.0))
    at = 0.0
    if rng.random() < 0.4:
        add_at(out, 0.4 * band(friedlander(rng, 0.008), 40, 900), 0)
        at = 0.15
    if rng.random() < 0.6:
        rise = rng.uniform(0.5, 1.4)
        curve = np.linspace(log_uniform(rng, 800, 2500), log_uniform(rng, 1500, 4500), seconds(rise))
        whistle = tone(curve * (1 + 0.01 * rng.standard_normal(len(curve))), np.array([1.0, 0.3]))
        add_at(out, rng.uniform(0.05, 0.3) * whistle * np.linspace(0.3, 1, len(curve)), seconds(at))
        at += rise
    for _ in range(int(rng.choice([1, 1, 2, 3, 4]))):
        report = friedlander(rng, log_uniform(rng, 0.002, 0.015))
        body = noise(rng, seconds(0.9), 0.6) * decay(seconds(0.9), log_uniform(rng, 0.05, 0.3), 0.002)
        add_at(out, rng.uniform(0.5, 1) * band(report, 40, log_uniform(rng, 500, 3000), 1), seconds(at))
        add_at(out, rng.uniform(0.1, 0.4) * band(body, 50, log_uniform(rng, 400, 2500), 1), seconds(at))
        if rng.random() < 0.6:
            at += _crackle(rng, out, at + rng.uniform(0.02, 0.3)) * 0.6
        at += rng.uniform(0.1, 0.6)
    length = min(at + 0.4, 5.5)
    return normalise(out[: seconds(length + 0.4)]), length
