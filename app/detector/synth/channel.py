"""What a room and a body-worn camera do to sound: reverberation, colour, automatic gain, clipping, coding."""

from __future__ import annotations

import numpy as np

from app.detector.features import RATE
from app.detector.synth.dsp import Rng, Wave, band, convolve, decay, log_uniform, noise, seconds, smooth_walk

_BLOCK = RATE // 100


def room(rng: Rng) -> np.ndarray:
    """An impulse response: direct sound, a few early reflections, a diffuse tail of 0.05–0.8 s."""
    reverberation = log_uniform(rng, 0.05, 0.8)
    count = seconds(min(0.8, reverberation))
    tail = band(noise(rng, count, 0.3), 80, log_uniform(rng, 1500, 7500), 1) * decay(count, reverberation / 4)
    response = tail * log_uniform(rng, 0.01, 0.15)
    for _ in range(int(rng.integers(0, 6))):
        response[int(rng.integers(1, count))] += rng.uniform(-0.4, 0.4)
    response[0] = 1.0
    return np.asarray(response)


def automatic_gain(rng: Rng, wave: np.ndarray) -> np.ndarray:
    """A recorder's level control: falls at once when it is loud, recovers over 0.1–3 s."""
    blocks = len(wave) // _BLOCK
    level = np.abs(wave[: blocks * _BLOCK]).reshape(blocks, _BLOCK).max(axis=1)
    target = log_uniform(rng, 0.05, 0.5)
    most = log_uniform(rng, 1, 30)
    recovery = float(np.exp(-0.01 / log_uniform(rng, 0.1, 3.0)))
    gains = np.empty(blocks + 1)
    held = most
    for number in range(blocks):
        wanted = min(most, target / (level[number] + 1e-6))
        held = wanted if wanted < held else wanted + (held - wanted) * recovery
        gains[number] = held
    gains[blocks] = held
    times = np.arange(len(wave)) / _BLOCK
    lag = rng.uniform(0, 1.5)
    return np.asarray(wave * np.interp(times - lag, np.arange(blocks + 1), gains))


def colour(rng: Rng, wave: np.ndarray) -> np.ndarray:
    """The microphone's response: a smooth random curve of ±8 dB and its two ends."""
    size = len(wave) + 2048
    hertz = np.fft.rfftfreq(size, 1 / RATE)
    curve = smooth_walk(rng, 256, 400) * 8
    shape = 10 ** (np.interp(np.log2(hertz + 50), np.linspace(5.6, 13, 256), curve) / 20)
    out = np.fft.irfft(np.fft.rfft(wave, size) * shape, size)[: len(wave)]
    low = log_uniform(rng, 20, 300)
    high = log_uniform(rng, 2800, 7900) if rng.random() < 0.5 else 7900
    return band(out, low, high, rng.uniform(1, 4))


def camera(rng: Rng, wave: np.ndarray) -> Wave:
    """The whole channel, each part present or not by chance; output within [-1, 1]."""
    out = np.asarray(wave, np.float64)
    if rng.random() < 0.5:
        out = convolve(out, room(rng))[: len(wave)]
    if rng.random() < 0.7:
        out = colour(rng, out)
    if rng.random() < 0.5:
        out = automatic_gain(rng, out)
    drive = log_uniform(rng, 0.15, 4.0)
    out = np.tanh(out * drive) if rng.random() < 0.3 else np.clip(out * drive, -1, 1)
    if rng.random() < 0.3:
        step = 2.0 ** -rng.uniform(6, 10)
        root = np.sign(out) * np.abs(out) ** 0.5
        out = np.sign(root) * (np.round(root / step) * step) ** 2
    return np.clip(out * log_uniform(rng, 0.1, 1.0), -1, 1).astype(np.float32)
