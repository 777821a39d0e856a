"""Streaming inference with onnxruntime: bounded memory, and the same result however the sound arrives.

Everything that decides a number is cut at fixed places counted from the start of the stream (features in frames,
the trunk in blocks of two steps), never where a chunk happened to end.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from app.detector.calibrate import Calibration
from app.detector.errors import BadModel
from app.detector.events import Event, EventTracker
from app.detector.features import BANDS, HOP, RATE, SILENCE, WINDOW, LogMelStream, Samples
from ingest.inference import onnxruntime

METADATA_KEY: Final = "cordon.detector"
CHUNK: Final = RATE
"""Samples taken in at once: what a caller pushes is cut to this, so that the buffer stays bounded."""


@dataclass(frozen=True, slots=True)
class Scores:
    """Calibrated scores (steps, classes), and when each step's could be known: (steps,) seconds."""

    values: NDArray[np.float32]
    available_at: NDArray[np.float64]


class Model:
    """An exported trunk: the graph, and what its metadata says of classes, geometry and thresholds."""

    def __init__(self, data: bytes) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
            text = self._session.get_modelmeta().custom_metadata_map[METADATA_KEY]
            self.info: dict[str, Any] = json.loads(text)
            self._read(self.info)
        except Exception as error:  # onnxruntime raises classes of its own that share no base but this
            raise BadModel("not a detector's ONNX file: export one with 'cordon detector train'") from error
        self.digest = hashlib.sha256(data).hexdigest()

    def _read(self, info: dict[str, Any]) -> None:
        geometry, features = info["geometry"], info["features"]
        expected = {"rate": RATE, "window": WINDOW, "hop": HOP, "bands": BANDS}
        if any(features[name] != value for name, value in expected.items()):
            raise ValueError("other features")
        self.classes: tuple[str, ...] = tuple(info["classes"])
        self.stride, self.context = int(geometry["stride"]), int(geometry["context"])
        self.block, self.delay = int(geometry["block"]), int(geometry["delay"])
        self.hidden = int(geometry["hidden"])
        self.step = self.stride * HOP / RATE
        self.thresholds: dict[str, float] = {name: float(info["thresholds"][name]) for name in self.classes}
        scale = info["calibration"]
        self._calibration = Calibration(tuple(scale["slope"]), tuple(scale["offset"]), ())

    @classmethod
    def load(cls, path: Path | None = None) -> Model:
        """The model in that file, or the seed that ships with the package. Raises BadModel."""
        try:
            if path is None:
                return cls((resources.files("app.detector") / "weights" / "seed.onnx").read_bytes())
            return cls(path.read_bytes())
        except OSError as error:
            raise BadModel(f"{path}: cannot be read ({error.strerror})") from error

    def run(self, mel: NDArray[np.float32], state: NDArray[np.float32]) -> tuple[NDArray[np.float32], Any]:
        """One block with its context, (context + block · stride, 64): calibrated (block, classes) and next state."""
        logits, following = self._session.run(None, {"mel": mel[None], "state": state})
        return self._calibration.apply(logits), following


class ScoreStream:
    """Scores of one stream of 16 kHz mono sound."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._mel = LogMelStream()
        self._frames = np.full((model.context, BANDS), SILENCE, np.float32)
        self._state = np.zeros((1, 1, model.hidden), np.float32)
        self._blocks = 0
        self._samples = 0

    def push(self, samples: Samples) -> Scores:
        """Scores that became certain with these samples; the buffer never holds more than a chunk and a block."""
        parts = [self._push(samples[i : i + CHUNK]) for i in range(0, len(samples), CHUNK)]
        return self._gather([block for part in parts for block in part])

    def finish(self) -> Scores:
        """Scores of the steps whose look-ahead the end of the stream cut short, as if silence followed."""
        model, heard = self._model, self._samples
        steps = -(-heard // (model.stride * HOP))
        wanted = steps - self._emitted()
        tail = (model.delay + 2 * model.block) * model.stride * HOP + WINDOW
        scores = self._gather(self._push(np.zeros(tail, np.float32)))
        last = np.minimum(scores.available_at, heard / RATE)
        return Scores(scores.values[:wanted], last[:wanted])

    def _emitted(self) -> int:
        return max(0, self._blocks * self._model.block - self._model.delay)

    def _push(self, samples: Samples) -> list[tuple[int, NDArray[np.float32]]]:
        model = self._model
        self._samples += len(samples)
        self._frames = np.concatenate([self._frames, self._mel.push(samples)])
        width, advance = model.context + model.block * model.stride, model.block * model.stride
        done, start = [], 0
        while start + width <= len(self._frames):
            values, self._state = model.run(self._frames[start : start + width], self._state)
            done.append((self._blocks, values))
            self._blocks += 1
            start += advance
        self._frames = self._frames[start:]
        return done

    def _gather(self, blocks: list[tuple[int, NDArray[np.float32]]]) -> Scores:
        """Drop what lies before the stream's start (the look-ahead) and say when each step was known."""
        model = self._model
        values, times = [np.empty((0, len(model.classes)), np.float32)], [np.empty(0)]
        for number, scores in blocks:
            kept = scores[max(0, model.delay - number * model.block) :]
            last_frame = (number + 1) * model.block * model.stride - 1
            values.append(kept)
            times.append(np.full(len(kept), (last_frame * HOP + WINDOW) / RATE))
        return Scores(np.concatenate(values), np.concatenate(times))


class EventStream:
    """Alarms and events of one stream, as they become known."""

    def __init__(self, model: Model, thresholds: dict[str, float] | None = None) -> None:
        self._scores = ScoreStream(model)
        self._step = model.step
        limits = {**model.thresholds, **(thresholds or {})}
        self._trackers = [EventTracker(name, limits[name], model.step) for name in model.classes]
        self._number = 0

    def push(self, samples: Samples) -> tuple[list[Event], list[Event], Scores]:
        """(events that open now: raise the alarm; events now closed: their final extent; scores)."""
        return self._track(self._scores.push(samples))

    def finish(self) -> tuple[list[Event], list[Event], Scores]:
        """The same for the end of the stream, with everything closed."""
        opened, closed, scores = self._track(self._scores.finish())
        return opened, closed + [e for t in self._trackers if (e := t.close())], scores

    def _track(self, scores: Scores) -> tuple[list[Event], list[Event], Scores]:
        opened, closed = [], []
        for row, known in zip(scores.values, scores.available_at, strict=True):
            for tracker, score in zip(self._trackers, row, strict=True):
                starts, ends = tracker.push(self._number * self._step, float(score), float(known))
                opened += [starts] if starts else []
                closed += [ends] if ends else []
            self._number += 1
        return opened, closed, scores
