"""What one region must be: pure checks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from app.core.errors import InvalidRequest
from app.recordings.keyframes import problem_of
from ingest.redact.regions import PICTURE_STYLES, SOUND_STYLES, Style

MAX_REGIONS = 20_000
MAX_PROPOSALS = 18_000  # the rest is for regions that a person draws where proposals end
DEFAULT_STYLE: dict[str, Style] = {"voice": "mute"}


class RegionRefused(InvalidRequest):
    type: ClassVar[str] = "region-refused"
    title: ClassVar[str] = "The region does not fit the recording"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A region as somebody draws it or a machine proposes it; frames are ordinals of the recording, half-open."""

    kind: str
    style: str
    start_frame: int
    end_frame: int
    keyframes: list[dict[str, Any]] | None = None
    score: float | None = None


def style_for(kind: str) -> Style:
    """How a kind is hidden unless somebody says otherwise: voices silent, all else blurred."""
    return DEFAULT_STYLE.get(kind, "blur")


def check(wanted: Wanted, frame_count: int) -> None:
    """Raises RegionRefused, saying what does not hold."""
    if problem := _problem(wanted, frame_count):
        raise RegionRefused(problem)


def _problem(wanted: Wanted, frame_count: int) -> str:
    if not 0 <= wanted.start_frame < wanted.end_frame <= frame_count:
        return (
            f"frames [{wanted.start_frame}, {wanted.end_frame}) are not in the recording's 0 to {frame_count}"
        )
    styles = SOUND_STYLES if wanted.kind == "voice" else PICTURE_STYLES
    if wanted.style not in styles:
        return f"a {wanted.kind} is hidden by {' or '.join(styles).replace('_', ' ')}, not {wanted.style}"
    if wanted.kind == "voice":
        return "a voice has no place in the picture: leave keyframes out" if wanted.keyframes else ""
    return problem_of(wanted.keyframes or [], wanted.start_frame, wanted.end_frame)
