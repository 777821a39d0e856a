"""From scores to events: hysteresis, a refractory second, and the moment from which an alarm could be known."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from app.detector.classes import ALARM_CLASSES

RELEASE: Final = 0.5
"""An event ends when its score falls below this share of the threshold."""
REFRACTORY: Final = 1.0
"""Seconds after the last active step within which a new rise prolongs the event instead of opening another."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something heard: times in seconds from the start of the sound.

    `available_at` is the time of the stream at which the event could first be known, look-ahead included;
    the time that computing takes comes on top.
    """

    name: str
    onset: float
    end: float
    peak: float
    available_at: float
    threshold: float

    @property
    def alarm(self) -> bool:
        """Whether this class calls somebody."""
        return self.name in ALARM_CLASSES

    def to_dict(self) -> dict[str, Any]:
        """As it stands in the detections JSON."""
        fields = {k: round(v, 3) if isinstance(v, float) else v for k, v in asdict(self).items()}
        return {"class": fields.pop("name"), **fields, "alarm": self.alarm}


@dataclass(slots=True)
class _Open:
    onset: float
    end: float
    peak: float
    available_at: float
    active: bool = True


class EventTracker:
    """One class's state machine, fed one step at a time; its memory does not grow with the stream."""

    def __init__(self, name: str, threshold: float, step: float) -> None:
        self.name = name
        self.threshold = threshold
        self._step = step
        self._open: _Open | None = None

    def push(self, onset: float, score: float, available_at: float) -> tuple[Event | None, Event | None]:
        """One step that starts at `onset`: (event that opens now, event that is closed for good), or None."""
        end = onset + self._step
        current = self._open
        if current is None:
            if score < self.threshold:
                return None, None
            self._open = _Open(onset, end, score, available_at)
            return self._event(self._open), None
        if score >= self.threshold or (current.active and score >= self.threshold * RELEASE):
            current.active, current.end, current.peak = True, end, max(current.peak, score)
            return None, None
        current.active = False
        if onset - current.end < REFRACTORY:
            return None, None
        return None, self.close()

    def close(self) -> Event | None:
        """End what is still open, at the end of the stream."""
        current, self._open = self._open, None
        return self._event(current) if current else None

    def _event(self, current: _Open) -> Event:
        return Event(
            self.name, current.onset, current.end, current.peak, current.available_at, self.threshold
        )


def extract(
    scores: NDArray[np.float32], available_at: NDArray[np.float64], thresholds: dict[str, float], step: float
) -> list[Event]:
    """All events of whole (steps, classes) scores, by onset; columns in the order of `thresholds`."""
    found = []
    for column, (name, threshold) in enumerate(thresholds.items()):
        tracker = EventTracker(name, threshold, step)
        for number, score in enumerate(scores[:, column]):
            _, closed = tracker.push(number * step, float(score), float(available_at[number]))
            found.append(closed)
        found.append(tracker.close())
    return sorted((event for event in found if event), key=lambda e: (e.onset, e.name))
