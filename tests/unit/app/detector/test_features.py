"""The features: the geometry they promise, and independence of how the stream was cut."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from app.detector.features import (
    BANDS,
    HIGH_HZ,
    HOP,
    LOW_HZ,
    RATE,
    SILENCE,
    WINDOW,
    LogMelStream,
    frame_count,
    log_mel,
)


def test_frame_count_is_the_number_of_whole_windows() -> None:
    assert [frame_count(n) for n in (0, WINDOW - 1, WINDOW, WINDOW + HOP - 1, WINDOW + HOP)] == [
        0,
        0,
        1,
        1,
        2,
    ]
    assert log_mel(np.zeros(RATE, np.float32)).shape == (98, BANDS)


def test_silence_is_the_floor_in_every_band() -> None:
    np.testing.assert_allclose(log_mel(np.zeros(2000, np.float32)), SILENCE, rtol=1e-6)


def test_a_tone_is_loudest_in_the_band_of_its_frequency() -> None:
    edges = np.linspace(2595 * np.log10(1 + LOW_HZ / 700), 2595 * np.log10(1 + HIGH_HZ / 700), BANDS + 2)
    centres = 700 * (10 ** (edges[1:-1] / 2595) - 1)
    for hertz in (300.0, 1000.0, 5000.0):
        tone = np.sin(2 * np.pi * hertz * np.arange(RATE) / RATE).astype(np.float32)
        loudest = int(log_mel(tone).mean(axis=0).argmax())
        assert abs(loudest - int(np.abs(centres - hertz).argmin())) <= 1


def test_a_frame_is_the_same_wherever_in_a_batch_it_stands() -> None:
    sound = np.random.default_rng(5).normal(0, 0.1, WINDOW + 40 * HOP).astype(np.float32)
    whole = log_mel(sound)
    alone = [log_mel(sound[at * HOP : at * HOP + WINDOW])[0] for at in range(len(whole))]
    np.testing.assert_array_equal(whole, alone)


@settings(max_examples=30, deadline=None)
@given(cuts=st.lists(st.integers(0, 3000), max_size=12), seed=st.integers(0, 1000))
def test_stream_equals_whole_for_any_cuts(cuts: list[int], seed: int) -> None:
    sound = np.random.default_rng(seed).normal(0, 0.1, 5000).astype(np.float32)
    stream, parts, at = LogMelStream(), [], 0
    for cut in [*cuts, len(sound)]:
        parts.append(stream.push(sound[at : at + cut]))
        at += cut
    np.testing.assert_array_equal(np.concatenate(parts), log_mel(sound))
