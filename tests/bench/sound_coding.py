"""How close coded sound stays to what was recorded, and what it costs: ours beside FFmpeg's own choice of AAC coder.

Real recordings of shots and of everyday places, from ../shared/data/audio. Noise is what coding added, as a share of
the sound's energy: one figure a recording, so the interval is that of recordings.
"""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ingest.ffmpeg import find_tools
from ingest.profiles import DEFAULT_PROFILE as PROFILE
from tests.bench.cpu import cpu_seconds
from tests.bench.rows import Goal, absent, compare

SOUNDS = Path(__file__).resolve().parents[3] / "shared" / "data" / "audio"
FOLDERS = ("range-recordings", "everyday")
SECONDS = 20
PEER = "FFmpeg's AAC coder as it is, 128 kbit/s"
DATA = f"the first {SECONDS} s of {{}} recordings of shots and everyday places, 48 kHz, two channels"
_OURS = tuple(str(word) for name, value in PROFILE.aac().items() for word in (f"-{name}", value))
_THEIRS = ("-c:a", "aac", "-b:a", "128k")
_ROWS: tuple[dict[str, Any], ...] = (
    {"name": "sound coding, noise", "unit": "of the sound's energy", "goal": Goal("≤", 1)},
    {"name": "sound coding, work", "unit": "CPU s", "goal": Goal("≤", 0.8)},
)


def run() -> list[dict[str, Any]]:
    """Codes every recording both ways and returns the rows of `make bench`."""
    files = [
        path
        for name in FOLDERS
        for path in sorted((SOUNDS / name).glob("*"))
        if path.suffix in (".wav", ".ogg")
    ]
    if not files:
        return [absent(**row, peer_name=PEER, reason=f"no recordings in {SOUNDS.name}") for row in _ROWS]
    with tempfile.TemporaryDirectory(prefix="bench-sound-") as name:
        told = [_measure(path, Path(name)) for path in files]
    figures = (([mine[n] for mine, _ in told], [theirs[n] for _, theirs in told]) for n in range(len(_ROWS)))
    return [
        compare(ours=ours, peer=peer, peer_name=PEER, data=DATA.format(len(files)), **row)
        for row, (ours, peer) in zip(_ROWS, figures, strict=True)
    ]


def _measure(path: Path, folder: Path) -> tuple[tuple[float, float], tuple[float, float]]:
    """Noise and CPU seconds, ours and the peer's."""
    plain = folder / "plain.wav"
    _ffmpeg("-i", str(path), "-t", str(SECONDS), "-ac", "2", "-ar", str(PROFILE.audio_rate), str(plain))
    sound = _samples(plain)

    def coded(options: tuple[str, ...]) -> tuple[float, float]:
        target = folder / "coded.m4a"
        spent = cpu_seconds(lambda: _ffmpeg("-i", str(plain), *options, str(target)))
        return _noise(sound, _samples(target)), spent

    return coded(_OURS), coded(_THEIRS)


def _noise(sound: NDArray[np.float64], coded: NDArray[np.float64]) -> float:
    length = min(len(sound), len(coded))
    return float(((sound[:length] - coded[:length]) ** 2).sum() / (sound[:length] ** 2).sum())


def _samples(path: Path) -> NDArray[np.float64]:
    return np.frombuffer(_ffmpeg("-i", str(path), "-f", "f32le", "-"), dtype="<f4").astype(np.float64)


def _ffmpeg(*words: str) -> bytes:
    command = [str(find_tools().ffmpeg), "-nostdin", "-v", "error", "-y", *words]
    return subprocess.run(command, check=True, timeout=120, stdout=subprocess.PIPE).stdout
