"""The event classes, in the order of the model's outputs, and what each of them means for an alarm."""

from __future__ import annotations

from typing import Final

CLASSES: Final = (
    "gunshot",
    "automatic_fire",
    "explosion",
    "firework",
    "scream",
    "siren",
    "speech",
)
"""Multi-label: several may sound at once. `explosion` and `firework` compete with `gunshot`."""

ALARM_CLASSES: Final = ("gunshot", "automatic_fire", "explosion")
"""The classes whose events are alarms; the others are context for the person who looks at the alarm."""

GUNFIRE: Final = ("gunshot", "automatic_fire")
"""Scored as one when the question is whether somebody shoots (the evaluation's main figure)."""


def index(name: str) -> int:
    """Column of a class in every score array."""
    return CLASSES.index(name)
