"""Figures of merit against cases whose answer is known by hand."""

from __future__ import annotations

import numpy as np
import pytest

from app.detector.metrics import (
    Candidate,
    Truth,
    auc,
    average_precision,
    bootstrap,
    match,
    merge_truths,
    pick_peaks,
    recall_at,
)

ONES = np.ones(4)


def test_average_precision_counts_misses_and_false_alarms() -> None:
    scores, hits = np.array([0.9, 0.8, 0.7, 0.6]), np.array([1.0, 0, 1, 0])
    assert average_precision(scores, hits, ONES, 2) == pytest.approx((1 + 2 / 3) / 2)
    assert average_precision(scores, hits, ONES, 4) == pytest.approx((1 + 2 / 3) / 4)


def test_recall_at_a_number_of_false_alarms() -> None:
    scores, hits = np.array([0.9, 0.8, 0.7, 0.6]), np.array([0.0, 1, 0, 1])
    assert [recall_at(scores, hits, ONES, 2, n) for n in (0, 1, 2)] == [0.0, 0.5, 1.0]


def test_auc_with_ties() -> None:
    assert auc(np.array([0.9, 0.5]), np.array([0.5, 0.1])) == pytest.approx(0.875)


def test_each_truth_is_found_once_and_a_second_alarm_on_it_is_not_false() -> None:
    truths = [Truth(1.0, 1.2, "a"), Truth(5.0, 5.2, "b")]
    candidates = [
        Candidate(1.1, 0.5, 2),
        Candidate(1.3, 0.9, 2),
        Candidate(3.0, 0.8, 4),
        Candidate(5.0, 0.1, 6),
    ]
    assert match(truths, candidates) == [-2, 0, -1, 1]


def test_shots_in_quick_succession_are_one_event() -> None:
    merged = merge_truths([Truth(0.0, 0.2, "a"), Truth(0.7, 0.9, "a"), Truth(3.0, 3.2, "a")])
    assert [(t.onset, t.end) for t in merged] == [(0.0, 0.9), (3.0, 3.2)]


def test_peaks_are_a_second_apart() -> None:
    scores = np.zeros(100, np.float32)
    scores[[10, 20, 60]] = [0.5, 0.9, 0.4]
    peaks = pick_peaks(scores, np.arange(100.0), 0.04)
    assert [(p.onset, round(p.score, 2)) for p in peaks] == [(0.8, 0.9), (2.4, 0.4)]


def test_bootstrap_resamples_within_kinds_and_is_repeatable() -> None:
    groups = ["gun:a", "gun:b", "other:c"]

    def share(counts: dict[str, int]) -> float:
        assert counts["gun:a"] + counts["gun:b"] == 2
        assert counts["other:c"] == 1
        return counts["gun:a"] / 2

    assert bootstrap(share, groups, 1, 200) == bootstrap(share, groups, 1, 200) == (0.0, 1.0)
