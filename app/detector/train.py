"""Training of the `scratch` trunk: seeded, deterministic on a CPU, ten to fifteen minutes of one core."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn

from app.detector.calibrate import Calibration, calibrate
from app.detector.corpus import Clip
from app.detector.dataset import ScoredScenes, augment, draw_scenes, join
from app.detector.geometry import DELAY
from app.detector.model import Scratch
from app.detector.synth.scene import Palette

FOCUS: Final = 2.0
"""Gamma of the focal loss (Lin et al. 2017): easy steps, which are most, count little."""
POSITIVE_WEIGHT: Final = (8.0, 4.0, 4.0, 3.0, 3.0, 2.0, 2.0)
"""For each class: the shorter its events, the more a positive step weighs."""
PEAK_RATE: Final = 4e-3
TRAIN_STREAM, LABELLED_STREAM, EMPTY_STREAM, AUGMENT_STREAM = range(4)


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that decides the weights, besides the recordings."""

    seed: int = 1
    scenes: int = 1600
    epochs: int = 9
    batch: int = 16
    calibration_scenes: int = 240
    empty_scenes: int = 480
    false_per_hour: float = 6.0


@dataclass(frozen=True, slots=True)
class Trained:
    """The outcome of a run."""

    model: Scratch
    calibration: Calibration
    losses: tuple[float, ...]
    seconds: float


def focal_loss(logits: Tensor, targets: Tensor) -> Tensor:
    """Focal binary cross-entropy, mean over all; positives weigh POSITIVE_WEIGHT."""
    plain = nn.functional.binary_cross_entropy_with_logits(logits, targets, reduction="none")
    miss = torch.exp(-plain)
    weight = 1 + (targets.new_tensor(POSITIVE_WEIGHT) - 1) * targets
    return (weight * (1 - miss) ** FOCUS * plain).mean()


def _batches(rng: np.random.Generator, data: ScoredScenes, size: int) -> Iterator[tuple[Tensor, Tensor]]:
    order = rng.permutation(len(data.mel))
    for start in range(0, len(order) - size + 1, size):
        chosen = order[start : start + size]
        mel, targets = augment(rng, data.mel[chosen], data.targets[chosen])
        yield torch.from_numpy(mel), torch.from_numpy(targets)


def fit(data: ScoredScenes, plan: Plan, say: Callable[[str], None]) -> tuple[Scratch, list[float]]:
    """Train from nothing on these scenes; returns the model in evaluation mode and the loss of each epoch."""
    torch.manual_seed(plan.seed)
    rng = np.random.default_rng((plan.seed, AUGMENT_STREAM))
    model = Scratch()
    optimiser = torch.optim.AdamW(model.parameters(), lr=PEAK_RATE, weight_decay=1e-3)
    total = plan.epochs * (plan.scenes // plan.batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, PEAK_RATE, total_steps=total)
    losses = []
    for epoch in range(plan.epochs):
        model.train()
        seen = []
        for mel, targets in _batches(rng, data, plan.batch):
            logits, _ = model(mel)
            loss = focal_loss(logits[:, DELAY:], targets[:, :-DELAY])
            optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 2.0)
            optimiser.step()
            schedule.step()
            seen.append(float(loss.detach()))
        losses.append(float(np.mean(seen)))
        say(f"epoch {epoch + 1}/{plan.epochs}: loss {losses[-1]:.5f}")
    return model.eval(), losses


@torch.no_grad()
def infer(model: Scratch, data: ScoredScenes, size: int = 32) -> np.ndarray:
    """Logits (n, steps, classes) of whole scenes."""
    parts = [
        model(torch.from_numpy(data.mel[i : i + size]))[0].numpy() for i in range(0, len(data.mel), size)
    ]
    return np.concatenate(parts)


def train(plan: Plan, clips: list[Clip], say: Callable[[str], None]) -> Trained:
    """Draw scenes, fit, calibrate. `clips` (roles train and calibrate) may be empty: synthetic sound alone."""
    began = time.monotonic()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    learn = Palette.of([c for c in clips if c.recording.role == "train"])
    check = Palette.of([c for c in clips if c.recording.role == "calibrate"])
    say(f"drawing {plan.scenes} training scenes")
    data = draw_scenes((plan.seed, TRAIN_STREAM), plan.scenes, learn)
    model, losses = fit(data, plan, say)
    held_out = join(
        draw_scenes((plan.seed, LABELLED_STREAM), plan.calibration_scenes, check),
        draw_scenes((plan.seed, EMPTY_STREAM), plan.empty_scenes, check, events=False),
    )
    calibration = calibrate(infer(model, held_out), held_out.targets, plan.false_per_hour)
    return Trained(model, calibration, tuple(losses), round(time.monotonic() - began, 1))
