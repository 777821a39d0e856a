"""What keyframes of a box must be, whoever draws them: pure checks."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

_ROUNDING = 1.0001


def problem_of(keyframes: Sequence[dict[str, Any]], start_frame: int, end_frame: int) -> str:
    """What is wrong with the keyframes of a track over frames start_frame ≤ n < end_frame, or ""."""
    if not keyframes:
        return "a track needs at least one keyframe"
    frames = [k["frame"] for k in keyframes]
    if any(later <= earlier for earlier, later in pairwise(frames)):
        return "keyframes must rise, one a frame"
    if frames[0] != start_frame or frames[-1] >= end_frame:
        return "the first keyframe opens the track and none lies at or after its end"
    if not all(_inside(*keyframe["box"]) for keyframe in keyframes):
        return "a box is [x, y, width, height] inside the picture, each from 0 to 1"
    return ""


def _inside(x: float, y: float, width: float, height: float) -> bool:
    return (
        0 <= x <= 1
        and 0 <= y <= 1
        and width > 0
        and height > 0
        and x + width <= _ROUNDING
        and y + height <= _ROUNDING
    )
