"""Small signal tools of the generator: shaped noise, spectral filters, envelopes, convolution."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from app.detector.features import RATE

Rng = np.random.Generator
Wave = NDArray[np.float32]


def seconds(duration: float) -> int:
    """Samples in that many seconds, at least one."""
    return max(1, round(duration * RATE))


def clock(count: int) -> NDArray[np.float64]:
    """Times of `count` samples, seconds."""
    return np.arange(count) / RATE


def log_uniform(rng: Rng, low: float, high: float) -> float:
    """A draw whose logarithm is uniform: for times, frequencies and gains."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def normalise(wave: NDArray[np.floating], peak: float = 1.0) -> Wave:
    """Scaled so that the largest magnitude is `peak`; silence stays silence."""
    top = float(np.max(np.abs(wave), initial=0.0))
    return (wave * (peak / top if top > 0 else 1.0)).astype(np.float32)


def band(
    wave: NDArray[np.floating], low: float = 0.0, high: float = RATE / 2, order: float = 4.0
) -> NDArray[np.float64]:
    """Zero-phase band-pass with Butterworth-like skirts, by FFT; padded so that nothing wraps round."""
    padded = len(wave) + 2048
    hertz = np.fft.rfftfreq(padded, 1 / RATE)
    response = 1 / np.sqrt(1 + (hertz / max(high, 1.0)) ** (2 * order))
    if low > 0:
        response *= 1 / np.sqrt(1 + (low / np.maximum(hertz, 1e-3)) ** (2 * order))
    return np.asarray(np.fft.irfft(np.fft.rfft(wave, padded) * response, padded)[: len(wave)])


def noise(rng: Rng, count: int, slope: float = 0.0) -> NDArray[np.float64]:
    """Gaussian noise of unit RMS whose amplitude falls as frequency ** -slope (0 white, 0.5 pink, 1 brown)."""
    white = rng.standard_normal(count)
    if slope == 0:
        return white
    hertz = np.maximum(np.fft.rfftfreq(count, 1 / RATE), 20.0)
    shaped = np.fft.irfft(np.fft.rfft(white) * hertz**-slope, count)
    return np.asarray(shaped / (np.sqrt(np.mean(shaped**2)) + 1e-12))


def decay(count: int, time_constant: float, attack: float = 0.0) -> NDArray[np.float64]:
    """Exponential decay with a linear attack, both in seconds."""
    times = clock(count)
    envelope = np.exp(-np.maximum(times - attack, 0) / time_constant)
    return envelope if attack <= 0 else envelope * np.minimum(1.0, times / attack)


def smooth_walk(rng: Rng, count: int, rate_hz: float) -> NDArray[np.float64]:
    """A smooth random curve in [-1, 1] that turns about `rate_hz` times a second."""
    knots = max(2, int(count / RATE * rate_hz) + 2)
    points = rng.uniform(-1, 1, knots)
    return np.interp(np.linspace(0, knots - 1, count), np.arange(knots), points)


def add_at(target: NDArray[np.floating], wave: NDArray[np.floating], start: int) -> None:
    """Mix `wave` into `target` from sample `start` on, in place; what does not fit is cut off."""
    if start < 0:
        wave, start = wave[-start:], 0
    wave = wave[: max(0, len(target) - start)]
    target[start : start + len(wave)] += wave


def convolve(wave: NDArray[np.floating], response: NDArray[np.floating]) -> NDArray[np.float64]:
    """Linear convolution, full length."""
    total = len(wave) + len(response) - 1
    size = 1 << (total - 1).bit_length()
    return np.asarray(np.fft.irfft(np.fft.rfft(wave, size) * np.fft.rfft(response, size), size)[:total])


def tone(frequency: NDArray[np.floating], partials: NDArray[np.floating]) -> NDArray[np.float64]:
    """Harmonic tone of a frequency curve (n,), partial amplitudes (k,); partials above Nyquist are left out."""
    phase = 2 * np.pi * np.cumsum(frequency) / RATE
    out = np.zeros(len(frequency))
    for number, amplitude in enumerate(partials, start=1):
        audible = frequency * number < RATE * 0.48
        out += amplitude * np.sin(number * phase) * audible
    return out
