"""How frames become scores: the one description shared by the model, its export, the runtime and the labels.

The trunk sees the sound only backwards; its look-ahead is a delay. The output of step j tells what sounded in
step j - DELAY, so 8 × 40 ms = 320 ms of what followed have been heard when a step is judged.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from app.detector.classes import CLASSES, index
from app.detector.corpus import Label
from app.detector.features import HOP, RATE

STRIDE: Final = 4
"""Log-mel frames in a step: 40 ms."""
CONTEXT: Final = 54
"""Frames before a block that the trunk's convolutions reach back to."""
BLOCK: Final = 2
"""Steps scored in one run."""
DELAY: Final = 8
"""Steps of look-ahead: 320 ms."""
STEP_SECONDS: Final = STRIDE * HOP / RATE


def step_targets(labels: Iterable[Label], steps: int) -> NDArray[np.float32]:
    """Strong labels as (steps, classes) of 0 and 1: a step is positive when a label touches it."""
    targets = np.zeros((steps, len(CLASSES)), np.float32)
    for label in labels:
        first = int(label.onset / STEP_SECONDS)
        last = max(first + 1, int(np.ceil(label.end / STEP_SECONDS - 1e-9)))
        targets[first:last, index(label.name)] = 1.0
    return targets
