"""Figures of merit, with the uncertainty that few sources leave: event matching, AP, AUC, bootstrap over sources."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
BEFORE: Final = 0.25
AFTER: Final = 0.5
"""An alarm belongs to a labelled event when it starts within [onset - 0.25 s, end + 0.5 s]."""


@dataclass(frozen=True, slots=True)
class Truth:
    """A labelled event of a stream, and the source (author) it comes from."""

    onset: float
    end: float
    source: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """Something detected, with its score and the time at which it was known."""

    onset: float
    score: float
    available_at: float


def merge_truths(truths: Sequence[Truth], gap: float = 1.0) -> list[Truth]:
    """Shots of one source that follow within `gap` seconds are one event: the detector alarms once for them."""
    merged: list[Truth] = []
    for truth in sorted(truths, key=lambda t: t.onset):
        if merged and truth.onset - merged[-1].end < gap and truth.source == merged[-1].source:
            last = merged[-1]
            merged[-1] = Truth(last.onset, max(last.end, truth.end), last.source)
        else:
            merged.append(truth)
    return merged


def pick_peaks(
    scores: NDArray[np.float32], known: Floats, step: float, apart: float = 1.0
) -> list[Candidate]:
    """Candidates at every level: the highest steps of (n,) scores, none within `apart` seconds of a higher one."""
    width = round(apart / step)
    taken = np.zeros(len(scores) + 2 * width, bool)
    found = []
    for number in np.argsort(-scores, kind="stable"):
        if scores[number] < 0.001:
            break
        if not taken[number + width]:
            taken[number : number + 2 * width + 1] = True
            found.append(Candidate(float(number * step), float(scores[number]), float(known[number])))
    return found


def match(truths: Sequence[Truth], candidates: Sequence[Candidate]) -> list[int]:
    """For each candidate, by falling score, the index of the truth it finds, or -1; each truth is found once.

    A second candidate on a truth already found is dropped from the count by -2: it is not a false alarm.
    """
    result = [-1] * len(candidates)
    free = set(range(len(truths)))
    for place in sorted(range(len(candidates)), key=lambda i: -candidates[i].score):
        onset = candidates[place].onset
        near = [i for i, t in enumerate(truths) if t.onset - BEFORE <= onset <= t.end + AFTER]
        unused = [i for i in near if i in free]
        if unused:
            result[place] = min(unused, key=lambda i: abs(truths[i].onset - onset))
            free.discard(result[place])
        elif near:
            result[place] = -2
    return result


def average_precision(scores: Floats, hits: Floats, weights: Floats, positives: float) -> float:
    """Area under precision over recall, without interpolation; misses count through `positives`."""
    if positives <= 0:
        return float("nan")
    order = np.argsort(-scores, kind="stable")
    found = np.cumsum((hits * weights)[order])
    every = np.cumsum(weights[order])
    precision = np.divide(found, every, out=np.zeros_like(found), where=every > 0)
    return float(np.sum(precision * (hits * weights)[order]) / positives)


def recall_at(scores: Floats, hits: Floats, weights: Floats, positives: float, false_allowed: float) -> float:
    """The highest recall that a threshold with at most `false_allowed` false alarms reaches."""
    order = np.argsort(-scores, kind="stable")
    false = np.cumsum(((1 - hits) * weights)[order])
    found = np.cumsum((hits * weights)[order])
    fitting = np.flatnonzero(false <= false_allowed)
    return float(found[fitting[-1]] / positives) if len(fitting) and positives > 0 else 0.0


def auc(positive: Floats, negative: Floats) -> float:
    """Area under the ROC curve (Mann–Whitney; ties count half)."""
    if not len(positive) or not len(negative):
        return float("nan")
    higher = (positive[:, None] > negative[None, :]).mean()
    return float(higher + 0.5 * (positive[:, None] == negative[None, :]).mean())


def bootstrap(
    statistic: Callable[[dict[str, int]], float], groups: Sequence[str], seed: int, rounds: int = 1000
) -> tuple[float, float]:
    """95 % percentile interval of `statistic(how often each group was drawn)` over groups drawn with replacement.

    Groups called `kind:…` are resampled within their kind, so that no draw is without positives or negatives.
    """
    rng = np.random.default_rng(seed)
    kinds: dict[str, list[str]] = {}
    for group in dict.fromkeys(groups):
        kinds.setdefault(group.partition(":")[0], []).append(group)
    values = []
    for _ in range(rounds):
        counts = dict.fromkeys(groups, 0)
        for members in kinds.values():
            for place in rng.integers(0, len(members), len(members)):
                counts[members[place]] += 1
        values.append(statistic(counts))
    low, high = np.nanpercentile(values, [2.5, 97.5])
    return round(float(low), 3), round(float(high), 3)
