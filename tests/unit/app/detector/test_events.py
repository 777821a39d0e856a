"""Hysteresis, refractory time and availability of events."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.detector.events import REFRACTORY, Event, EventTracker, extract

STEP = 0.04


def run(scores: list[float], threshold: float = 0.6) -> list[Event]:
    known = np.arange(len(scores)) * STEP + 0.4
    return extract(np.array(scores, np.float32)[:, None], known, {"gunshot": threshold}, STEP)


def test_rise_and_fall_make_one_event_with_its_availability() -> None:
    (event,) = run([0, 0, 0.7, 0.9, 0.4, 0.1] + [0] * 30)
    assert event.onset == pytest.approx(0.08)
    assert event.end == pytest.approx(0.20), "0.4 is above the release level of 0.3, so the event is held"
    assert event.peak == pytest.approx(0.9)
    assert event.available_at == pytest.approx(0.48)
    assert event.alarm


def test_a_score_between_release_and_threshold_opens_nothing() -> None:
    assert run([0.5] * 50) == []


def test_a_second_rise_within_the_refractory_second_prolongs_the_event() -> None:
    shots = [0.9] + [0.0] * 20 + [0.95] + [0.0] * 40
    (event,) = run(shots)
    assert event.end == pytest.approx(22 * STEP)
    assert event.peak == pytest.approx(0.95)


def test_a_rise_after_it_is_a_new_event() -> None:
    assert len(run([0.9] + [0.0] * 27 + [0.9] + [0.0] * 5)) == 2


def test_an_event_open_at_the_end_is_closed() -> None:
    (event,) = run([0.0, 0.9])
    assert event.end == pytest.approx(0.08)


def test_alarm_is_given_at_once_and_not_at_the_end_of_the_event() -> None:
    tracker = EventTracker("gunshot", 0.6, STEP)
    opened, closed = tracker.push(0.0, 0.9, 0.4)
    assert opened is not None
    assert closed is None
    assert tracker.push(STEP, 0.9, 0.44) == (None, None)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(0, 1, width=32), max_size=200))
def test_events_are_ordered_apart_and_reach_the_threshold(scores: list[float]) -> None:
    events = run(scores)
    assert all(e.peak >= 0.6 and e.end > e.onset and e.available_at > e.onset for e in events)
    assert all(b.onset - a.end >= REFRACTORY - 1e-6 for a, b in itertools.pairwise(events))
    covered = [
        any(e.onset - 1e-6 <= i * STEP < e.end for e in events) for i, s in enumerate(scores) if s >= 0.6
    ]
    assert all(covered)


def test_json_names_the_class_and_whether_it_is_an_alarm() -> None:
    event = Event("firework", 1.0, 1.5, 0.8, 1.4, 0.6)
    assert event.to_dict() == {
        "class": "firework", "onset": 1.0, "end": 1.5, "peak": 0.8, "available_at": 1.4, "threshold": 0.6,
        "alarm": False,
    }  # fmt: skip
