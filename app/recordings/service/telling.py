"""What a recording's telemetry suggests of its camera and start, as types."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from app.recordings.models import Recording


@dataclass(frozen=True, slots=True)
class SuggestedDetails:
    """A claim of the file and no fact. `clock` says whose time `started_at` is: "gps" (satellites) or "container"."""

    started_at: datetime | None
    clock: str | None
    camera: str | None
    serial: str | None


def told_by(recording: Recording) -> SuggestedDetails | None:
    """What its telemetry says, for callers that have decided who asks; None where it says nothing."""
    told = recording.suggestion
    if told is None:
        return None
    start = told["started_at"]
    return SuggestedDetails(
        datetime.fromisoformat(start) if start else None, told["clock"], told["camera"], told["serial"]
    )
