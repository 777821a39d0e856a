"""From logits to probabilities, and from probabilities to a threshold that keeps false alarms rare.

Platt scaling for each class (Platt 1999: p = 1 / (1 + exp(-(a x + b)))), fitted on scenes that training did not
see; then, for each class, the lowest threshold whose false events stay within the allowed number an hour.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from app.detector.classes import CLASSES, GUNFIRE, index
from app.detector.geometry import DELAY

Array = NDArray[np.float32]
TOLERANCE: Final = 12
"""Steps (0.48 s) before and after a label within which an event is not false."""
MERGE: Final = 25
"""Steps (1 s): the refractory time within which a class makes one event."""
GRID: Final = np.concatenate([np.arange(0.05, 0.9, 0.025), np.arange(0.9, 0.999, 0.005)])


@dataclass(frozen=True, slots=True)
class Calibration:
    """Slope, offset and threshold for each class, in the order of CLASSES."""

    slope: tuple[float, ...]
    offset: tuple[float, ...]
    threshold: tuple[float, ...]

    def apply(self, logits: Array) -> Array:
        """(…, classes) logits to probabilities."""
        scaled = logits * np.asarray(self.slope, np.float32) + np.asarray(self.offset, np.float32)
        return np.asarray(1 / (1 + np.exp(-scaled)), np.float32)


def aligned(scores: Array, targets: Array) -> tuple[Array, Array]:
    """Undo the look-ahead: scores (n, steps, k) and targets of the same steps, each `DELAY` shorter."""
    return scores[:, DELAY:], targets[:, : scores.shape[1] - DELAY]


def _platt(logits: Array, truth: Array, rounds: int = 30) -> tuple[float, float]:
    """Newton's method on the logistic loss, with Platt's smoothed targets and a little ridge."""
    x = np.stack([logits, np.ones_like(logits)], 1).astype(np.float64)
    positives = float(truth.sum())
    high, low = (positives + 1) / (positives + 2), 1 / (len(truth) - positives + 2)
    wanted = np.where(truth > 0, high, low)
    weights = np.array([1.0, 0.0])
    for _ in range(rounds):
        p = 1 / (1 + np.exp(-np.clip(x @ weights, -30, 30)))
        hessian = x.T @ (x * (p * (1 - p))[:, None]) + 1e-3 * np.eye(2)
        weights -= np.linalg.solve(hessian, x.T @ (p - wanted))
    return float(max(weights[0], 0.05)), float(weights[1])


def _near(truth: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Widen positive steps by the tolerance on both sides, along axis 1."""
    wide = truth.copy()
    for shift in range(1, TOLERANCE + 1):
        wide[:, shift:] |= truth[:, :-shift]
        wide[:, :-shift] |= truth[:, shift:]
    return wide


def false_events(scores: Array, near: NDArray[np.bool_], threshold: float) -> int:
    """Events of one class, (n, steps), that touch no widened label; active steps within 1 s are one event."""
    false = 0
    for row, close in zip(scores, near, strict=True):
        active = np.flatnonzero(row >= threshold)
        if len(active):
            groups = np.split(active, np.flatnonzero(np.diff(active) > MERGE) + 1)
            false += sum(not close[group].any() for group in groups)
    return false


def calibrate(logits: Array, targets: Array, false_per_hour: float) -> Calibration:
    """Fit on (n, steps, classes) logits with their targets; thresholds never below 0.05 nor above 0.995."""
    logits, targets = aligned(logits, targets)
    hours = logits.shape[0] * logits.shape[1] * 0.04 / 3600
    pairs = [_platt(logits[..., k].ravel(), targets[..., k].ravel()) for k in range(len(CLASSES))]
    slope, offset = tuple(p[0] for p in pairs), tuple(p[1] for p in pairs)
    scores = Calibration(slope, offset, (0.5,) * len(CLASSES)).apply(logits)
    gunfire = targets[..., [index(name) for name in GUNFIRE]].max(axis=-1)
    thresholds = []
    for k, name in enumerate(CLASSES):
        near = _near((gunfire if name in GUNFIRE else targets[..., k]) > 0)
        allowed = false_per_hour * hours
        fitting = [t for t in GRID if false_events(scores[..., k], near, float(t)) <= allowed]
        thresholds.append(round(float(fitting[0]) if fitting else 0.995, 4))
    return Calibration(slope, offset, tuple(thresholds))
