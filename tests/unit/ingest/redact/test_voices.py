"""Speech activity, in frames of the ledger."""

from __future__ import annotations

import wave
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from ingest.frames import Ledger
from ingest.redact.voices import find_voices
from tests.media.synthetic import run_ffmpeg


def ledger_of(frames: int, rate: int = 25) -> Ledger:
    pts = np.arange(frames, dtype=np.int64)
    return Ledger(
        Fraction(1, rate), pts, np.ones(frames, np.int64), pts == 0, np.zeros((frames, 16), np.uint8)
    )


def wav(path: Path, samples: np.ndarray, rate: int = 16_000) -> Path:
    with wave.open(str(path), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(rate)
        sound.writeframes(np.clip(samples * 32767, -32768, 32767).astype("<i2").tobytes())
    return path


def test_a_voice_is_found_where_it_is_and_not_in_the_silence_around(
    big_buck_bunny: Path, tmp_path: Path
) -> None:
    """Three seconds of silence, the clip's sound, three seconds of silence."""
    heard = tmp_path / "heard.wav"
    run_ffmpeg("-i", str(big_buck_bunny), "-ac", "1", "-ar", "16000", str(heard))
    with wave.open(str(heard)) as sound:
        samples = np.frombuffer(sound.readframes(sound.getnframes()), "<i2") / 32768
    quiet = np.zeros(3 * 16_000)
    found = find_voices(wav(tmp_path / "mixed.wav", np.concatenate([quiet, samples, quiet])), ledger_of(280))
    assert found
    assert found[0].start_frame > 3 * 25
    assert found[-1].end_frame <= 3 * 25 + len(samples) * 25 // 16_000 + 25 // 4
    assert all(0.5 <= voice.score <= 1 for voice in found)


def test_noise_and_shots_are_no_voices(tmp_path: Path) -> None:
    random = np.random.default_rng(3)
    sound = random.normal(0, 0.02, 4 * 16_000)
    sound[16_000:17_600] += random.normal(0, 0.5, 1600) * np.exp(-np.arange(1600) / 300)
    assert find_voices(wav(tmp_path / "shot.wav", sound), ledger_of(100)) == []


def test_sound_of_another_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="16 kHz"):
        find_voices(wav(tmp_path / "fast.wav", np.zeros(100), 48_000), ledger_of(10))
