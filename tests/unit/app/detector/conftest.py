"""Media made for these tests: sound files by the standard library, videos by the packaged ffmpeg."""

from __future__ import annotations

import subprocess
import wave
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from app.detector.features import RATE
from app.detector.runtime import Model
from app.detector.synth import blasts

Video = Callable[[str, np.ndarray | None], Path]


def write_wav(path: Path, samples: np.ndarray) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())
    return path


@pytest.fixture(scope="session")
def seed_model() -> Model:
    return Model.load()


@pytest.fixture(scope="session")
def shots() -> np.ndarray:
    """8 s of faint noise with synthesised single shots at 2 s and 5 s."""
    rng = np.random.default_rng(4)
    sound = rng.normal(0, 0.002, 8 * RATE)
    gun = blasts.draw_gun(rng)
    for onset in (2, 5):
        shot = blasts.shot(rng, gun)
        sound[onset * RATE : onset * RATE + len(shot)] += 0.9 * shot
    return np.clip(sound, -1, 1).astype(np.float32)


@pytest.fixture
def make_video(tmp_path: Path) -> Video:
    """A small MP4 with that sound, or without an audio track."""
    imageio_ffmpeg = pytest.importorskip("imageio_ffmpeg", reason="needs cordon[ingest]")

    def make(name: str, samples: np.ndarray | None) -> Path:
        out = tmp_path / name
        argv = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-v", "error", "-y"]
        argv += ["-f", "lavfi", "-i", "testsrc=size=64x48:rate=10:duration=2"]
        if samples is not None:
            argv += ["-i", str(write_wav(tmp_path / "sound.wav", samples)), "-c:a", "aac", "-b:a", "128k"]
        subprocess.run([*argv, "-c:v", "libx264", "-preset", "ultrafast", str(out)], check=True)
        return out

    return make
