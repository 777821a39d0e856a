"""Listens to one video or sound file and tells what was heard, when, and when an alarm could have been raised."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from app.detector.audio import stream_audio
from app.detector.events import Event
from app.detector.features import RATE, Samples
from app.detector.runtime import EventStream, Model, Scores

NO_AUDIO = "no audio track: nothing was listened to, so the absence of alarms says nothing"
SILENT = "the audio track is digital silence: nothing could be heard"


@dataclass(frozen=True, slots=True)
class Detections:
    """The result for one file; `scores` and `envelope` are for the plot and are not part of the JSON.

    `envelope` is (n, 2): least and greatest sample of every 20 ms.
    """

    file: str
    duration: float
    events: tuple[Event, ...]
    findings: tuple[str, ...]
    thresholds: dict[str, float]
    model_digest: str
    look_ahead: float
    processing_seconds: float
    scores: Scores
    envelope: np.ndarray

    @property
    def alarms(self) -> tuple[Event, ...]:
        """The events that call somebody."""
        return tuple(event for event in self.events if event.alarm)

    def to_dict(self) -> dict[str, Any]:
        """The detections JSON; times in seconds from the start of the sound."""
        return {
            "format": 1,
            "file": self.file,
            "duration": round(self.duration, 3),
            "model": {"sha256": self.model_digest, "look_ahead": self.look_ahead},
            "thresholds": self.thresholds,
            "findings": list(self.findings),
            "events": [event.to_dict() for event in self.events],
            "alarms": len(self.alarms),
            "processing_seconds": round(self.processing_seconds, 3),
        }


def _envelope(chunks: list[Samples]) -> np.ndarray:
    width = RATE // 50
    samples = np.concatenate([*chunks, np.zeros(0, np.float32)])
    whole = samples[: len(samples) // width * width].reshape(-1, width)
    return np.stack([whole.min(axis=1), whole.max(axis=1)], axis=1) if len(whole) else np.zeros((0, 2))


def detect(path: Path, *, model: Model | None = None, threshold: float | None = None) -> Detections:
    """Detect in a file of any format that ffmpeg reads, streaming, in memory that does not hold the sound.

    `threshold` (0–1) replaces the model's own for all alarm classes. A video without sound gives a finding, not
    an error. Raises Unreadable for a file that cannot be decoded, BadModel for a damaged shipped model.
    """
    began = time.perf_counter()
    model = model or Model.load()
    limits = dict(model.thresholds)
    if threshold is not None:
        limits = dict.fromkeys(limits, threshold)
    stream = EventStream(model, limits)
    events: list[Event] = []
    scores, envelopes = [], []
    heard, loudest = 0, 0.0
    audio = stream_audio(path)
    for chunk in audio or ():
        _, closed, part = stream.push(chunk)
        events += closed
        scores.append(part)
        envelopes.append(_envelope([chunk]))
        heard += len(chunk)
        loudest = max(loudest, float(np.abs(chunk).max(initial=0.0)))
    _, closed, part = stream.finish()
    findings = [NO_AUDIO] if audio is None else [SILENT] if loudest == 0 else []
    scores.append(part)
    return Detections(
        file=path.name,
        duration=heard / RATE,
        events=tuple(sorted(events + closed, key=lambda e: (e.onset, e.name))),
        findings=tuple(findings),
        thresholds=limits,
        model_digest=model.digest,
        look_ahead=round(model.delay * model.step, 3),
        processing_seconds=time.perf_counter() - began,
        scores=Scores(
            np.concatenate([s.values for s in scores]), np.concatenate([s.available_at for s in scores])
        ),
        envelope=np.concatenate([*envelopes, np.zeros((0, 2))]),
    )
