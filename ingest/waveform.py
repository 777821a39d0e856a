"""Peaks of the sound for drawing, so that a browser need not decode an hour to show it.

Format: the JSON of BBC audiowaveform, version 2 (https://github.com/bbc/audiowaveform/blob/master/doc/DataFormat.md),
which peaks.js and wavesurfer read: pairs of minimum and maximum, 8 bits.
"""

from __future__ import annotations

import json
import wave
from pathlib import Path

import numpy as np

WAVEFORM_NAME = "waveform.json"
_SAMPLES_PER_PIXEL = 160
_PIXELS_AT_ONCE = 6000


def write_waveform(pcm: Path, target: Path) -> None:
    """Write the peaks of a mono 16-bit WAV file. Raises wave.Error or ValueError for another kind."""
    data: list[int] = []
    with wave.open(str(pcm)) as sound:
        if sound.getnchannels() != 1 or sound.getsampwidth() != 2:
            raise ValueError("peaks are drawn from mono 16-bit sound")
        rate = sound.getframerate()
        while block := sound.readframes(_SAMPLES_PER_PIXEL * _PIXELS_AT_ONCE):
            samples = np.frombuffer(block, dtype="<i2") >> 8
            padded = np.pad(samples, (0, -len(samples) % _SAMPLES_PER_PIXEL)).reshape(-1, _SAMPLES_PER_PIXEL)
            data += np.stack([padded.min(axis=1), padded.max(axis=1)], axis=1).ravel().tolist()
    document = {
        "version": 2,
        "channels": 1,
        "sample_rate": rate,
        "samples_per_pixel": _SAMPLES_PER_PIXEL,
        "bits": 8,
        "length": len(data) // 2,
        "data": data,
    }
    target.write_text(json.dumps(document, separators=(",", ":")))
