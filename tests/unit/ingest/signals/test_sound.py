"""Figures of the sound: whatever the blocks; silence as FFmpeg finds it; shots where they were put."""

from __future__ import annotations

import re
import subprocess
import tracemalloc
import wave
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.ffmpeg import Tools
from ingest.frames import Ledger
from ingest.sample import SampleFacts
from ingest.signals.heard import find_silence, find_sounds
from ingest.signals.sound import HOP, RATE, SoundSignals, read_sound
from ingest.signals.thresholds import DEFAULT_THRESHOLDS
from tests.factories.material import ledger_of


def write(path: Path, samples: np.ndarray, rate: int = RATE) -> Path:
    with wave.open(str(path), "wb") as stream:
        stream.setnchannels(1)
        stream.setsampwidth(2)
        stream.setframerate(rate)
        stream.writeframes(samples.astype("<i2").tobytes())
    return path


def ledger_for(signals: SoundSignals, rate: int = 25) -> Ledger:
    return ledger_of([1000 // rate] * max(1, len(signals.level) * rate // 100))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2000), st.integers(1, 40), st.integers(0, 2**32 - 1))
def test_blocks_do_not_show(
    tmp_path_factory: pytest.TempPathFactory, count: int, block: int, seed: int
) -> None:
    samples = np.random.default_rng(seed).integers(-32768, 32768, count)
    path = write(tmp_path_factory.mktemp("sound") / "audio.wav", samples)
    one, other = read_sound(path), read_sound(path, block)
    for name in ("peak", "level", "flux"):
        assert np.array_equal(getattr(one, name), getattr(other, name))
    assert len(one.level) == -(-count // HOP)


def test_levels_are_decibels_against_full_scale(tmp_path: Path) -> None:
    tone = 32767 * np.sin(2 * np.pi * 1000 * np.arange(RATE) / RATE)
    found = read_sound(write(tmp_path / "audio.wav", np.concatenate([np.zeros(RATE), tone, tone / 10])))
    assert found.level[50] == pytest.approx(-100)
    assert found.level[150] == pytest.approx(-3.01, abs=0.01)
    assert found.level[250] == pytest.approx(-23.01, abs=0.02)
    assert found.peak[[50, 150]].tolist() == [0, 32767]
    assert int(np.argmax(found.flux)) == 101  # the second of the two hops over which it rose


def test_other_sound_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="16 kHz"):
        read_sound(write(tmp_path / "audio.wav", np.zeros(10), rate=48_000))


def test_memory_grows_by_the_figures_alone(tmp_path: Path) -> None:
    write(tmp_path / "audio.wav", np.zeros(RATE * 600, dtype=np.int16))
    tracemalloc.start()
    read_sound(tmp_path / "audio.wav")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8e6  # blocks of 2.5 s, whatever the length


def test_silence_is_silencedetects(tmp_path: Path, tools: Tools) -> None:
    noise = np.random.default_rng(5).normal(0, 2000, RATE * 9)
    noise[RATE * 2 : RATE * 5] = 20
    noise[RATE * 6 : RATE * 7] = 0
    path = write(tmp_path / "audio.wav", noise)
    argv = [tools.ffmpeg, "-hide_banner", "-i", path, "-af", "silencedetect=n=-60dB:d=2", "-f", "null", "-"]
    heard = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=60).stderr
    starts = [float(time) for time in re.findall(r"silence_start: ([\d.]+)", heard)]
    ends = [float(time) for time in re.findall(r"silence_end: ([\d.]+)", heard)]
    signals = read_sound(path)
    found = find_silence(signals, ledger_for(signals), DEFAULT_THRESHOLDS)
    assert [(one.start_frame / 25, one.end_frame / 25) for one in found] == [
        (pytest.approx(a, abs=0.04), pytest.approx(b, abs=0.04)) for a, b in zip(starts, ends, strict=True)
    ]
    assert len(found) == 1


def test_shots_of_the_sample_are_found_and_nothing_else(
    exercise: tuple[Path, SampleFacts], tools: Tools, tmp_path: Path
) -> None:
    source, facts = exercise
    sound = tmp_path / "audio.wav"
    argv = [tools.ffmpeg, "-v", "error", "-i", source, "-vn", "-ac", "1", "-ar", str(RATE), sound]
    subprocess.run(argv, check=True, timeout=60)
    signals = read_sound(sound)
    found = find_sounds(signals, ledger_for(signals), DEFAULT_THRESHOLDS)
    heard = [one.seconds for one in found if one.kind == "impulse"]
    fired = [*facts.shots, *facts.burst]
    assert all(min(abs(shot - time) for time in heard) < 0.05 for shot in facts.shots)
    assert all(min(abs(shot - time) for shot in fired) < 0.4 for time in heard)
    assert all(one.frame == int(one.seconds * 25) for one in found)


def test_steady_noise_and_swelling_sound_are_no_impulses(tmp_path: Path) -> None:
    noise = np.random.default_rng(3).normal(0, 1, RATE * 6)
    swell = np.minimum(1, np.arange(RATE * 6) / (RATE * 4)) ** 2 * 8000
    signals = read_sound(write(tmp_path / "audio.wav", noise * swell))
    assert find_sounds(signals, ledger_for(signals), DEFAULT_THRESHOLDS) == ()


def test_no_sound_at_all_has_no_findings(tmp_path: Path) -> None:
    signals = read_sound(write(tmp_path / "audio.wav", np.zeros(0)))
    ledger = ledger_of([40])
    assert find_sounds(signals, ledger, DEFAULT_THRESHOLDS) == ()
    assert find_silence(signals, ledger, DEFAULT_THRESHOLDS) == ()
