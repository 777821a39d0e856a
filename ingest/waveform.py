"""Peaks of the sound for drawing, so that a browser need not decode an hour to show it.

Format: the JSON of BBC audiowaveform, version 2 (https://github.com/bbc/audiowaveform/blob/master/doc/DataFormat.md),
which peaks.js and wavesurfer read: pairs of minimum and maximum, 8 bits.
"""

from __future__ import annotations

import json
import wave
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

WAVEFORM_NAME = "waveform.json"
_SAMPLES_PER_PIXEL = 160
_PIXELS_AT_ONCE = 6000


def write_waveform(pcm: Path, target: Path) -> None:
    """Write the peaks of a mono 16-bit WAV file. Raises wave.Error or ValueError for another kind."""
    with wave.open(str(pcm)) as sound:
        if sound.getnchannels() != 1 or sound.getsampwidth() != 2:
            raise ValueError("peaks are drawn from mono 16-bit sound")
        rate = sound.getframerate()
        peaks = list(_peaks(sound))  # two bytes a pixel, where Python's numbers would take tens
    document = {
        "version": 2,
        "channels": 1,
        "sample_rate": rate,
        "samples_per_pixel": _SAMPLES_PER_PIXEL,
        "bits": 8,
        "length": sum(map(len, peaks)),
    }
    with target.open("w") as out:
        out.write(json.dumps(document, separators=(",", ":")).removesuffix("}") + ',"data":[')
        for number, block in enumerate(peaks):
            out.write("," * (number > 0) + ",".join(map(str, block.ravel().tolist())))
        out.write("]}")


def _peaks(sound: wave.Wave_read) -> Iterator[NDArray[np.int8]]:
    """Minimum and maximum of each pixel, (pixels, 2), some thousands at a time."""
    while block := sound.readframes(_SAMPLES_PER_PIXEL * _PIXELS_AT_ONCE):
        samples = (np.frombuffer(block, dtype="<i2") >> 8).astype(np.int8)
        padded = np.pad(samples, (0, -len(samples) % _SAMPLES_PER_PIXEL)).reshape(-1, _SAMPLES_PER_PIXEL)
        yield np.stack([padded.min(axis=1), padded.max(axis=1)], axis=1)


def read_waveform(path: Path) -> tuple[float, NDArray[np.int8]]:
    """Seconds a pixel, and the minimum and maximum of each, (pixels, 2). Raises ValueError or KeyError for what is not
    the JSON that `write_waveform` wrote."""
    text = path.read_bytes()
    start = text.index(b"[", text.index(b'"data"')) + 1
    end = text.index(b"]", start)
    facts = json.loads(text[:start] + text[end:])
    peaks = np.fromstring(text[start:end], dtype=np.int8, sep=",")
    return facts["samples_per_pixel"] / facts["sample_rate"], peaks.reshape(-1, 2)
