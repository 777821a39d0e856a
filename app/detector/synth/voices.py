"""Sustained targets: screams, sirens, speech-like babble."""

from __future__ import annotations

import numpy as np

from app.detector.synth.dsp import (
    Rng,
    Wave,
    add_at,
    band,
    clock,
    log_uniform,
    noise,
    normalise,
    seconds,
    smooth_walk,
    tone,
)


def _fade(wave: np.ndarray, edge: float) -> np.ndarray:
    count = min(seconds(edge), len(wave) // 2)
    ramp = np.ones(len(wave))
    if count:
        ramp[:count] = np.linspace(0, 1, count)
        ramp[-count:] = np.linspace(1, 0, count)
    return wave * ramp


def _formants(wave: np.ndarray, peaks: list[tuple[float, float, float]]) -> np.ndarray:
    """The wave through resonances (centre Hz, bandwidth Hz, gain), by FFT."""
    size = len(wave) + 1024
    hertz = np.fft.rfftfreq(size, 1 / 16_000)
    response = np.full(len(hertz), 0.02)
    for centre, width, gain in peaks:
        response += gain / (1 + ((hertz - centre) / width) ** 2)
    return np.asarray(np.fft.irfft(np.fft.rfft(wave, size) * response, size)[: len(wave)])


def scream(rng: Rng) -> tuple[Wave, float]:
    """High, rough, gliding voice of 0.4–2.2 s: the roughness (30–150 Hz) is what marks a scream."""
    count = seconds(rng.uniform(0.4, 2.2))
    x = np.linspace(0, 1, count)
    rise = rng.uniform(0.05, 0.3)
    arc = np.interp(x, [0, rise, 1], [rng.uniform(0.6, 0.95), 1.0, rng.uniform(0.6, 1.0)])
    pitch = log_uniform(rng, 550, 1700) * arc * (1 + 0.03 * smooth_walk(rng, count, 14))
    voice = tone(pitch, 1 / np.arange(1, 9) ** rng.uniform(0.3, 1.3))
    rough = 1 + rng.uniform(0.1, 0.7) * np.sin(2 * np.pi * rng.uniform(30, 150) * clock(count))
    voice = voice * rough + rng.uniform(0.02, 0.3) * noise(rng, count, 0.3)
    voice = _formants(voice, [(rng.uniform(900, 1600), 300, 1.0), (rng.uniform(2500, 3800), 600, 0.8)])
    return normalise(_fade(voice, rng.uniform(0.02, 0.08))), count / 16_000


def siren(rng: Rng) -> tuple[Wave, float]:
    """Wail, yelp or two-tone of an emergency vehicle, 2.5–7 s, with a slight Doppler drift."""
    count = seconds(rng.uniform(2.5, 7.0))
    times = clock(count)
    low, high = rng.uniform(350, 700), rng.uniform(950, 1700)
    kind = rng.choice(["wail", "yelp", "two-tone"])
    if kind == "two-tone":
        half = rng.uniform(0.35, 0.8)
        pitch = np.where((times // half) % 2 == 0, low, low * rng.choice([1.2, 1.25, 1.335, 1.5]))
    else:
        cycles = times / (rng.uniform(2.5, 6) if kind == "wail" else rng.uniform(0.2, 0.5)) + rng.random()
        share = 0.5 - 0.5 * np.cos(2 * np.pi * cycles) if rng.random() < 0.7 else np.abs(2 * (cycles % 1) - 1)
        pitch = low + (high - low) * share
    pitch = pitch * np.linspace(1 + rng.uniform(-0.05, 0.05), 1.0, count)
    out = tone(pitch, 1 / np.arange(1, 8) ** rng.uniform(0.6, 1.8))
    swell = 0.6 + 0.4 * smooth_walk(rng, count, 0.4)
    return normalise(_fade(out * swell, 0.15)), count / 16_000


def _syllable(rng: Rng, pitch: float, length: float) -> np.ndarray:
    count = seconds(length)
    glide = pitch * (1 + 0.15 * smooth_walk(rng, count, 4) + 0.01 * smooth_walk(rng, count, 60))
    source = tone(glide, 1 / np.arange(1, 30) ** 0.9)
    first, second = rng.uniform(280, 850), rng.uniform(850, 2400)
    voiced = _formants(source, [(first, 60, 1.0), (second, 90, 0.6), (rng.uniform(2400, 3200), 150, 0.3)])
    return _fade(np.asarray(normalise(voiced), np.float64), min(0.04, length / 3))


def speech(rng: Rng) -> tuple[Wave, float]:
    """One voice talking or shouting for 1–5 s: syllables with moving formants, consonants, short pauses."""
    length = rng.uniform(1.0, 5.0)
    out = np.zeros(seconds(length + 0.6))
    shouting = rng.random() < 0.35
    base = log_uniform(rng, 85, 260) * (rng.uniform(1.3, 1.9) if shouting else 1.0)
    at = 0.0
    while at < length - 0.15:
        if rng.random() < 0.5:
            part = seconds(rng.uniform(0.03, 0.11))
            hiss = band(noise(rng, part), log_uniform(rng, 800, 4500), 7500, 2)
            add_at(out, rng.uniform(0.03, 0.25) * _fade(hiss, 0.008), seconds(at))
            at += part / 16_000
        duration = rng.uniform(0.07, 0.3)
        pitch = base * rng.uniform(0.85, 1.25)
        add_at(out, rng.uniform(0.5, 1.0) * _syllable(rng, pitch, duration), seconds(at))
        at += duration + (rng.uniform(0.15, 0.5) if rng.random() < 0.15 else rng.uniform(0, 0.03))
    end = min(at, length + 0.5)
    return normalise(out[: seconds(end)]), end
