"""Log-mel spectrogram, 16 kHz, 64 bands, 25 ms windows every 10 ms: numpy only, and the same however it is fed.

Frame k covers samples [160 k, 160 k + 400): no padding, no centring, so that a stream needs no future sound.
Mel scale: O'Shaughnessy's 2595 log10(1 + f / 700), the form that HTK uses.
"""

from __future__ import annotations

from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]
Frames = NDArray[np.float32]

RATE: Final = 16_000
WINDOW: Final = 400
HOP: Final = 160
FFT_SIZE: Final = 512
BANDS: Final = 64
LOW_HZ: Final = 60.0
HIGH_HZ: Final = 7_800.0
FLOOR: Final = 1e-6
SILENCE: Final = float(np.log(FLOOR))
"""What every band of a digitally silent frame is."""
BATCH: Final = 16
"""Frames transformed at once, to bound memory."""


def _to_mel(hertz: NDArray[np.floating]) -> NDArray[np.float64]:
    return np.asarray(2595.0 * np.log10(1.0 + hertz / 700.0))


@cache
def _tables() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """(Hann window of 400, triangular filters of 257 × 64)."""
    window = np.hanning(WINDOW + 1)[:-1].astype(np.float32)
    low, high = _to_mel(np.array([LOW_HZ, HIGH_HZ]))
    edges = np.linspace(low, high, BANDS + 2)
    bins = _to_mel(np.fft.rfftfreq(FFT_SIZE, 1 / RATE))[:, None]
    rising = (bins - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - bins) / (edges[2:] - edges[1:-1])
    return window, np.maximum(0.0, np.minimum(rising, falling)).astype(np.float32)


def frame_count(samples: int) -> int:
    """Whole frames in that many samples."""
    return max(0, (samples - WINDOW) // HOP + 1)


def log_mel(samples: Samples) -> Frames:
    """Natural log of mel energies: (n,) float32 samples in [-1, 1] to (frame_count(n), 64) float32."""
    count = frame_count(len(samples))
    out = np.empty((count, BANDS), np.float32)
    if count == 0:
        return out
    window, filters = _tables()
    views = np.lib.stride_tricks.sliding_window_view(samples, WINDOW)[::HOP]
    for start in range(0, count, BATCH):
        part = views[start : start + BATCH]
        spectrum = np.fft.rfft(part * window, FFT_SIZE)
        power = (spectrum.real**2 + spectrum.imag**2).astype(np.float32)
        # Not `power @ filters`: on some processors BLAS rounds a row by its place in the batch, and a frame's
        # features must not depend on how the stream was cut. einsum adds each row up in one order.
        out[start : start + len(part)] = np.log(np.einsum("ij,jk->ik", power, filters) + FLOOR)
    return out


class LogMelStream:
    """Log-mel of a stream: `push` any number of samples, take the frames that became whole."""

    def __init__(self) -> None:
        self._rest: Samples = np.empty(0, np.float32)

    def push(self, samples: Samples) -> Frames:
        """(n,) samples in, (k, 64) frames out; keeps fewer than 400 samples between calls."""
        joined = np.concatenate([self._rest, np.asarray(samples, np.float32)])
        frames = log_mel(joined)
        self._rest = joined[len(frames) * HOP :]
        return frames
