"""Scenes as arrays for training: features, step targets, and the augmentation that costs nothing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.detector.features import BANDS, SILENCE, log_mel
from app.detector.geometry import CONTEXT, STRIDE, step_targets
from app.detector.synth.dsp import Rng
from app.detector.synth.scene import Palette, draw_scene

Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class ScoredScenes:
    """`mel` (n, CONTEXT + 4 steps, 64), padded with silence at its head; `targets` (n, steps, classes)."""

    mel: Array
    targets: Array

    @property
    def hours(self) -> float:
        """Length of all the scenes together."""
        return float(self.targets.shape[0] * self.targets.shape[1] * 0.04 / 3600)


def padded(mel: Array) -> Array:
    """The frames with the silence before them that the runtime starts from, cut to whole steps."""
    steps = len(mel) // STRIDE
    head = np.full((CONTEXT, BANDS), SILENCE, np.float32)
    return np.concatenate([head, mel[: steps * STRIDE]])


def draw_scenes(seed: tuple[int, int], count: int, palette: Palette, *, events: bool = True) -> ScoredScenes:
    """`count` scenes; scene i depends on (seed, i) alone."""
    mels, targets = [], []
    for number in range(count):
        scene = draw_scene(np.random.default_rng((*seed, number)), palette, events=events)
        mels.append(padded(log_mel(scene.samples)))
        targets.append(step_targets(scene.labels, (len(mels[-1]) - CONTEXT) // STRIDE))
    return ScoredScenes(np.stack(mels), np.stack(targets))


def join(*parts: ScoredScenes) -> ScoredScenes:
    """Several sets as one."""
    return ScoredScenes(np.concatenate([p.mel for p in parts]), np.concatenate([p.targets for p in parts]))


def augment(rng: Rng, mel: Array, targets: Array) -> tuple[Array, Array]:
    """Another gain for each scene; some scenes laid over another; a band of frequencies lost now and then."""
    count = len(mel)
    gains = rng.normal(-0.5, 1.8, (count, 1, 1)).astype(np.float32)
    out = np.logaddexp(mel + gains, np.float32(SILENCE))
    mixed = rng.random(count) < 0.25
    order = rng.permutation(count)
    out[mixed] = np.logaddexp(out[mixed], out[order][mixed])
    merged = targets.copy()
    merged[mixed] = np.maximum(targets[mixed], targets[order][mixed])
    for number in np.flatnonzero(rng.random(count) < 0.3):
        first = int(rng.integers(0, BANDS - 8))
        out[number, :, first : first + int(rng.integers(2, 9))] = SILENCE
    return out, merged
