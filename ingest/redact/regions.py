"""A region: what is to be hidden, from which frame to which, where, and how.

Keyframes have the form that labels have: `{"frame", "box": [x, y, width, height], "outside"}`, coordinates 0 to 1 of
the picture, frames ordinals of the recording. Between keyframes the box moves linearly by *ordinal*; after the last it
stays; from an `outside` keyframe to the next nothing is hidden.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ingest.redact.boxes import Box, between

Style = Literal["blur", "mask", "mute", "voice_change"]
PICTURE_STYLES: tuple[Style, ...] = ("blur", "mask")
SOUND_STYLES: tuple[Style, ...] = ("mute", "voice_change")


@dataclass(frozen=True, slots=True)
class Keyframe:
    """The box at one frame."""

    frame: int
    box: Box
    outside: bool = False

    def as_json(self) -> dict[str, Any]:
        """As it is stored."""
        return {"frame": self.frame, "box": self.box.as_list(), "outside": self.outside}

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Keyframe:
        """Read what `as_json` wrote. Raises KeyError, TypeError or ValueError for another shape."""
        x, y, width, height = stored["box"]
        return cls(int(stored["frame"]), Box(x, y, width, height), bool(stored.get("outside", False)))


@dataclass(frozen=True, slots=True)
class Region:
    """Frames start_frame ≤ n < end_frame. A sound style has no keyframes: it holds for the whole interval."""

    style: Style
    start_frame: int
    end_frame: int
    keyframes: tuple[Keyframe, ...] = ()

    def box_at(self, frame: int) -> Box | None:
        """What is hidden of the picture at `frame`, or None."""
        if not self.start_frame <= frame < self.end_frame or not self.keyframes:
            return None
        return box_at(self.keyframes, frame)


def box_at(keyframes: Sequence[Keyframe], frame: int) -> Box | None:
    """The box at `frame` by its rising keyframes; None outside. Before the first, the first holds."""
    after = bisect_right(keyframes, frame, key=lambda keyframe: keyframe.frame)
    here = keyframes[max(0, after - 1)]
    if here.outside:
        return None
    if after in (0, len(keyframes)) or keyframes[after].outside:
        return here.box
    to = keyframes[after]
    return between(here.box, to.box, (frame - here.frame) / (to.frame - here.frame))
