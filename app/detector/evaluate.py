"""Measures a model: on streams laid out from real recordings, and apart from them on synthetic scenes.

The two never share a column. Every figure comes with its number of samples, its distractor load and a 95 %
interval from a bootstrap over sources (authors for gunfire, minutes of the stream for false alarms).
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.detector.classes import CLASSES, GUNFIRE, index
from app.detector.corpus import Clip, load_clips, manifest_digest
from app.detector.dataset import draw_scenes
from app.detector.errors import BadCorpus
from app.detector.events import extract
from app.detector.features import RATE, Samples
from app.detector.geometry import DELAY, STEP_SECONDS
from app.detector.metrics import (
    Candidate,
    auc,
    average_precision,
    bootstrap,
    match,
    pick_peaks,
    recall_at,
)
from app.detector.runtime import Model, Scores, ScoreStream
from app.detector.streams import TestStream, is_gunfire, lay_out
from app.detector.synth.scene import Palette

STRESS_LOAD = 360.0
ORDINARY_LOAD = 18.0
EVALUATION_STREAM = 99
"""Second part of the scenes' seed: never one that training uses."""


def score(model: Model, samples: Samples) -> Scores:
    """Scores of a whole recording."""
    stream = ScoreStream(model)
    parts = [stream.push(samples), stream.finish()]
    return Scores(np.concatenate([p.values for p in parts]), np.concatenate([p.available_at for p in parts]))


def gunfire_score(scores: Scores) -> NDArray[np.float32]:
    """(steps,): the higher of single shots and automatic fire."""
    return np.asarray(scores.values[:, [index(name) for name in GUNFIRE]].max(axis=1))


@dataclass(frozen=True, slots=True)
class _Ranked:
    """Candidates against truths, ready to be weighted by a bootstrap."""

    scores: NDArray[np.float64]
    hits: NDArray[np.float64]
    groups: list[str]
    truth_groups: list[str]
    delays: list[float]

    def weighted(self, counts: dict[str, int]) -> tuple[NDArray[np.float64], float]:
        weights = np.array([counts[g] for g in self.groups], float)
        return weights, float(sum(counts[g] for g in self.truth_groups))

    def ones(self) -> dict[str, int]:
        return dict.fromkeys([*self.groups, *self.truth_groups], 1)

    def precision(self, counts: dict[str, int]) -> float:
        weights, positives = self.weighted(counts)
        return average_precision(self.scores, self.hits, weights, positives)

    def recall(self, counts: dict[str, int], false_allowed: float) -> float:
        weights, positives = self.weighted(counts)
        return recall_at(self.scores, self.hits, weights, positives, false_allowed)


def _rank(stream: TestStream, candidates: list[Candidate]) -> _Ranked:
    found = match(stream.truths, candidates)
    kept = [(c, f) for c, f in zip(candidates, found, strict=True) if f != -2]
    groups = [
        f"source:{stream.truths[f].source}" if f >= 0 else f"minute:{int(c.onset // 60)}" for c, f in kept
    ]
    return _Ranked(
        np.array([c.score for c, _ in kept]),
        np.array([float(f >= 0) for _, f in kept]),
        groups,
        [f"source:{t.source}" for t in stream.truths],
        [c.available_at - stream.truths[f].onset for c, f in kept if f >= 0],
    )


def _interval(value: float, bounds: tuple[float, float], samples: int) -> dict[str, Any]:
    return {"value": round(value, 3), "interval_95": list(bounds), "n": samples}


def _alarms(model: Model, scores: Scores) -> list[Candidate]:
    """Gunfire alarms at the frozen thresholds, the two classes of one moment counted once."""
    events = extract(scores.values, scores.available_at, model.thresholds, model.step)
    merged: list[Candidate] = []
    last_end = -math.inf
    for event in events:
        if event.name not in GUNFIRE:
            continue
        if event.onset - last_end >= 1.0:
            merged.append(Candidate(event.onset, event.peak, event.available_at))
        last_end = max(last_end, event.end)
    return merged


def measure_stream(model: Model, stream: TestStream, seed: int) -> dict[str, Any]:
    """Event AP, recall at 2, 6 and 20 false alarms an hour, and what the frozen thresholds give."""
    began = time.process_time()
    scores = score(model, stream.samples)
    speed = len(stream.samples) / RATE / (time.process_time() - began)
    ranked = _rank(stream, pick_peaks(gunfire_score(scores), scores.available_at, model.step))
    truths, groups = len(stream.truths), [*ranked.groups, *ranked.truth_groups]
    frozen = _rank(stream, _alarms(model, scores))
    false = int((1 - frozen.hits).sum())
    delays = np.array(frozen.delays)
    recalls = {
        f"recall_at_{rate}_false_alarms_per_hour": _interval(
            ranked.recall(ranked.ones(), rate * stream.hours),
            bootstrap(lambda c, r=rate: ranked.recall(c, r * stream.hours), groups, seed),  # type: ignore[misc]
            truths,
        )
        for rate in (2, 6, 20)
    }
    frozen_groups = [*frozen.groups, *frozen.truth_groups]
    return {
        "distractors_per_hour": stream.distractors_per_hour,
        "hours": round(stream.hours, 3),
        "gunfire_events": truths,
        "sources": len(set(ranked.truth_groups)),
        "event_average_precision": _interval(
            ranked.precision(ranked.ones()), bootstrap(ranked.precision, groups, seed), truths
        ),
        **recalls,
        "frozen_threshold": {
            "recall": _interval(
                frozen.recall(frozen.ones(), math.inf),
                bootstrap(lambda c: frozen.recall(c, math.inf), frozen_groups, seed),
                truths,
            ),
            "false_alarms_per_hour": round(false / stream.hours, 1),
            "delay_p50_s": round(float(np.median(delays)), 3) if len(delays) else None,
            "delay_p90_s": round(float(np.percentile(delays, 90)), 3) if len(delays) else None,
        },
        "times_real_time_one_core": round(speed),
    }


def measure_clips(model: Model, clips: list[Clip], seed: int) -> dict[str, Any]:
    """Clip AUC of the highest gunfire score, recordings unaltered: gunfire against ambient and impulsive ones."""
    top = {id(c): float(gunfire_score(score(model, c.samples)).max(initial=0.0)) for c in clips}
    guns = [c for c in clips if is_gunfire(c)]
    result: dict[str, Any] = {}
    slices = {
        "ambient": [c for c in clips if c.recording.slice == "ambient"],
        "impulsive": [c for c in clips if c.recording.slice == "impulsive"],
        "explosion_and_firework": [c for c in clips if c.recording.events and not is_gunfire(c)],
    }
    for name, negatives in slices.items():
        if not negatives:
            continue
        named = [(f"gun:{c.recording.author}", top[id(c)]) for c in guns]
        others = [(f"other:{c.recording.author}", top[id(c)]) for c in negatives]

        def area(
            counts: dict[str, int],
            named: list[tuple[str, float]] = named,
            others: list[tuple[str, float]] = others,
        ) -> float:
            sides = [np.array([s for g, s in side for _ in range(counts[g])]) for side in (named, others)]
            return auc(sides[0], sides[1])

        groups = [g for g, _ in named + others]
        result[name] = {
            **_interval(area(dict.fromkeys(groups, 1)), bootstrap(area, groups, seed), len(groups)),
            "positives": len(named),
            "negatives": len(others),
        }
    return result


def measure_real(model: Model, sound: Path, seed: int, minutes: int) -> dict[str, Any]:
    """Everything on real recordings of role `test`. Raises BadCorpus."""
    clips = load_clips(sound, ("test",))
    if not any(is_gunfire(c) for c in clips) or all(is_gunfire(c) for c in clips):
        raise BadCorpus("the manifest needs test recordings with gunfire and without")
    loads = {"stress": STRESS_LOAD, "ordinary": ORDINARY_LOAD}
    return {
        "manifest_sha256": manifest_digest(sound),
        "recordings": len(clips),
        "authors": len({c.recording.author for c in clips}),
        "streams": {
            name: measure_stream(
                model, lay_out(clips, seed=seed, minutes=minutes, distractors_per_hour=load, takes=6), seed
            )
            for name, load in loads.items()
        },
        "clip_auc": measure_clips(model, clips, seed),
    }


def measure_synthetic(model: Model, seed: int, scenes: int) -> dict[str, Any]:
    """Step-level average precision for each class on generated scenes that training did not draw."""
    data = draw_scenes((seed, EVALUATION_STREAM), scenes, Palette())
    kept = []
    for mel in data.mel:
        state, rows = np.zeros((1, 1, model.hidden), np.float32), []
        width, advance = model.context + model.block * model.stride, model.block * model.stride
        for start in range(0, len(mel) - width + 1, advance):
            values, state = model.run(mel[start : start + width], state)
            rows.append(values)
        kept.append(np.concatenate(rows)[DELAY:])
    scores = np.stack(kept)
    truth = data.targets[:, : scores.shape[1]]
    flat = scores.reshape(-1, len(CLASSES)).astype(float), truth.reshape(-1, len(CLASSES)).astype(float)
    return {
        "scenes": scenes,
        "hours": round(scores.shape[0] * scores.shape[1] * STEP_SECONDS / 3600, 3),
        "step_average_precision": {
            name: {
                "value": round(
                    average_precision(
                        flat[0][:, k], flat[1][:, k], np.ones(len(flat[0])), flat[1][:, k].sum()
                    ),
                    3,
                ),
                "positive_steps": int(flat[1][:, k].sum()),
            }
            for k, name in enumerate(CLASSES)
            if flat[1][:, k].any()
        },
    }
