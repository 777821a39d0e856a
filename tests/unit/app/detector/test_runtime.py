"""Streaming: the same result for every way of cutting the stream, bounded memory, honest availability."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.detector.classes import CLASSES
from app.detector.errors import BadModel
from app.detector.evaluate import score
from app.detector.features import RATE
from app.detector.runtime import EventStream, Model, ScoreStream

QUICK = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def test_the_seed_is_small_and_says_what_it_is(seed_model: Model) -> None:
    assert seed_model.classes == CLASSES
    assert seed_model.delay * seed_model.step == pytest.approx(0.32)
    assert all(0 < threshold < 1 for threshold in seed_model.thresholds.values())
    assert {"command", "commit", "versions", "plan", "sound"} <= seed_model.info["training"].keys()


@QUICK
@given(cuts=st.lists(st.integers(1, 9000), max_size=20))
def test_scores_do_not_depend_on_how_the_stream_is_cut(
    cuts: list[int], seed_model: Model, shots: np.ndarray
) -> None:
    sound = shots[: 3 * RATE]
    whole = score(seed_model, sound)
    stream, parts, at = ScoreStream(seed_model), [], 0
    for cut in [*cuts, len(sound)]:
        parts.append(stream.push(sound[at : at + cut]))
        at += cut
    parts.append(stream.finish())
    np.testing.assert_array_equal(np.concatenate([p.values for p in parts]), whole.values)
    np.testing.assert_array_equal(np.concatenate([p.available_at for p in parts]), whole.available_at)


@pytest.mark.parametrize("chunk", [160, 1000, 16_000, 200_000])
def test_alarms_do_not_depend_on_how_the_stream_is_cut(
    chunk: int, seed_model: Model, shots: np.ndarray
) -> None:
    def run(size: int) -> tuple[list[object], list[object]]:
        stream = EventStream(seed_model)
        opened, closed = [], []
        for at in range(0, len(shots), size):
            o, c, _ = stream.push(shots[at : at + size])
            opened, closed = opened + o, closed + c
        o, c, _ = stream.finish()
        return opened + o, closed + c

    assert run(chunk) == run(777)


@pytest.mark.parametrize("samples", [0, 1, 399, 400, 640, 5000, 33_333])
def test_every_step_of_the_sound_is_scored_once(samples: int, seed_model: Model) -> None:
    scores = score(seed_model, np.zeros(samples, np.float32))
    assert len(scores.values) == -(-samples // 640)
    assert scores.available_at.tolist() == sorted(scores.available_at)
    assert scores.available_at.max(initial=0.0) <= samples / RATE


def test_a_score_is_known_no_sooner_than_its_sound_was_heard(seed_model: Model, shots: np.ndarray) -> None:
    """The sound after a step's availability cannot change that step's score."""
    known = score(seed_model, shots)
    step = 60
    heard = round(float(known.available_at[step]) * RATE)
    changed = shots.copy()
    changed[heard:] = np.random.default_rng(0).normal(0, 0.3, len(shots) - heard)
    np.testing.assert_array_equal(score(seed_model, changed).values[: step + 1], known.values[: step + 1])
    assert 0.32 <= known.available_at[step] - step * 0.04 <= 0.42


def test_the_buffer_stays_bounded(seed_model: Model) -> None:
    stream = ScoreStream(seed_model)
    for _ in range(20):
        stream.push(np.zeros(10_007, np.float32))
        assert len(stream._frames) < seed_model.context + seed_model.block * seed_model.stride


def test_a_shot_raises_an_alarm_and_quiet_does_not(seed_model: Model, shots: np.ndarray) -> None:
    stream = EventStream(seed_model)
    opened = stream.push(shots)[0] + stream.finish()[0]
    gunfire = [e for e in opened if e.name in ("gunshot", "automatic_fire")]
    assert [any(abs(e.onset - at) < 0.2 for e in gunfire) for at in (2, 5)] == [True, True]
    quiet = EventStream(seed_model)
    noise = np.random.default_rng(1).normal(0, 0.002, 10 * RATE).astype(np.float32)
    assert [e for e in quiet.push(noise)[0] + quiet.finish()[0] if e.alarm] == []


@pytest.mark.parametrize("data", [b"", b"not a model", b"\x08\x08" * 50])
def test_what_is_no_model_is_refused_in_one_line(data: bytes) -> None:
    with pytest.raises(BadModel, match="not a detector's ONNX file"):
        Model(data)
