"""Three figures each hundredth of a second from the sound: its peak, its level, and how much its spectrum rose.

Input: the 16 kHz mono 16-bit WAV that ingest writes, whose time zero is the first frame. It is read in blocks, and the
size of the blocks does not show in the figures.
"""

from __future__ import annotations

import wave
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

RATE = 16_000
HOP = 160
HOPS_PER_SECOND = RATE // HOP
WINDOW = 512
# 4 MB of spectra and what they are made of.
_BLOCK_HOPS = 250
_FULL_SCALE = 32768.0
# -100 dB: below the last bit of 16, so that digital silence has a level
_FLOOR = 1e-10
_BANDS = 24

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class SoundSignals:
    """Of H hops of 10 ms, all (H,): `peak` int16, the greatest absolute sample (32767 at most); `level` float32, dB of
    the mean square against full scale; `flux` float32, mean over the bands of how much log10(1 + magnitude) rose over
    the last two hops."""

    peak: NDArray[np.int16]
    level: Floats
    flux: Floats


def read_sound(path: Path, block_hops: int = _BLOCK_HOPS) -> SoundSignals:
    """Measure a WAV file. Raises ValueError unless it is 16 kHz, mono, 16 bits; wave.Error when it is no WAV."""
    signals, done = _unwritten(path), 0
    before = np.zeros(WINDOW - HOP, dtype=np.float32)
    bands = np.zeros((2, _BANDS), dtype=np.float32)
    for samples in _blocks(path, block_hops):
        scaled = (samples / np.float32(_FULL_SCALE)).astype(np.float32)
        whole = np.concatenate([before, scaled])
        before = whole[-(WINDOW - HOP) :]
        logs = np.concatenate([bands, _band_levels(_spectra(whole))])
        bands = logs[-2:]
        here = slice(done, done := done + len(samples) // HOP)
        signals.peak[here], signals.level[here] = _loudness(samples, scaled)
        signals.flux[here] = _rise(logs)
    return SoundSignals(signals.peak[:done], signals.level[:done], signals.flux[:done])


def _unwritten(path: Path) -> SoundSignals:
    """Room for the figures of a file, which is not used before it is written to. Raises as `read_sound` does."""
    with wave.open(str(path)) as sound:
        if (sound.getframerate(), sound.getnchannels(), sound.getsampwidth()) != (RATE, 1, 2):
            raise ValueError(f"{path.name} is not 16 kHz, mono, 16 bits")
        hops = -(-sound.getnframes() // HOP)
    return SoundSignals(np.empty(hops, np.int16), np.empty(hops, np.float32), np.empty(hops, np.float32))


def _blocks(path: Path, block_hops: int) -> Iterator[NDArray[np.int16]]:
    """Whole hops of samples; the last is filled up with silence."""
    with wave.open(str(path)) as sound:
        while data := sound.readframes(block_hops * HOP):
            samples = np.frombuffer(data, dtype="<i2")
            yield np.pad(samples, (0, -len(samples) % HOP))


def _loudness(samples: NDArray[np.int16], scaled: Floats) -> tuple[NDArray[np.int16], Floats]:
    rows = samples.reshape(-1, HOP)
    highest, lowest = rows.max(axis=1).astype(np.int32), rows.min(axis=1).astype(np.int32)
    peak = np.minimum(np.maximum(highest, -lowest), 32767).astype(np.int16)
    square = np.square(scaled.reshape(-1, HOP)).mean(axis=1)
    return peak, (10 * np.log10(square + _FLOOR)).astype(np.float32)


def _spectra(samples: Floats) -> Floats:
    """Power spectra of windows of 32 ms that end with each hop: (hops, WINDOW / 2 + 1)."""
    windows = np.lib.stride_tricks.sliding_window_view(samples, WINDOW)[::HOP]
    spectrum = np.fft.rfft(windows * _HANN, axis=1)
    power: Floats = (spectrum.real**2 + spectrum.imag**2).astype(np.float32)
    return power


def _band_levels(power: Floats) -> Floats:
    """log10(1 + magnitude) of each band, (hops, bands): the compression of Böck and Widmer's SuperFlux (DAFx 2013)."""
    sums = np.add.reduceat(power, _EDGES[:-1], axis=1)
    levels: Floats = np.log10(1 + np.sqrt(sums)).astype(np.float32)
    return levels


def _rise(logs: Floats) -> Floats:
    """Half-wave rectified spectral flux over two hops (Dixon, "Onset detection revisited", DAFx 2006)."""
    flux: Floats = np.maximum(logs[2:] - logs[:-2], 0).mean(axis=1).astype(np.float32)
    return flux


_HANN = np.hanning(WINDOW + 1)[:-1].astype(np.float32)
# 24 bands, evenly spaced in the logarithm of frequency from 100 Hz to 8 kHz
_EDGES = (np.geomspace(100, RATE / 2, _BANDS + 1) * WINDOW / RATE).round().astype(np.int64)
