"""What a file's telemetry suggests of camera and beginning: a claim of the file, for a person to judge."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ingest.telemetry import TELEMETRY_NAME

_LONGEST = 200


@dataclass(frozen=True, slots=True)
class Suggestion:
    """`started_at` (RFC 3339, UTC) by `clock`, "gps" or "container"; `camera` its make and model; None where unsaid."""

    started_at: str | None
    clock: str | None
    camera: str | None
    serial: str | None


def read_suggestion(folder: Path) -> Suggestion | None:
    """Read it from `telemetry.json` of an ingest; None where there is none, or it says nothing of this."""
    path = folder / TELEMETRY_NAME
    if not path.exists():
        return None
    told: dict[str, Any] = json.loads(path.read_text())
    # what a stranger wrote: on one line, and without the character that no database takes
    device = {name: " ".join(said.replace("\x00", "").split()) for name, said in told["device"].items()}
    named = (
        " ".join(dict.fromkeys(said for said in (device["make"], device["model"]) if said)) or device["name"]
    )
    found = Suggestion(
        told["started_at"], told["clock"], named[:_LONGEST] or None, device["serial"][:_LONGEST] or None
    )
    return found if found.started_at or found.camera or found.serial else None
