"""Boxes in a picture: overlap, suppression of doubles, padding. Coordinates are shares of the picture, 0 to 1."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Box:
    """Left, top, width and height as shares of the picture's width and height."""

    x: float
    y: float
    width: float
    height: float

    @property
    def centre(self) -> tuple[float, float]:
        """The middle, as shares of the picture."""
        return self.x + self.width / 2, self.y + self.height / 2

    def as_list(self) -> list[float]:
        """`[x, y, width, height]`, as keyframes are stored, to a ten-thousandth of the picture."""
        return [round(value, 4) for value in (self.x, self.y, self.width, self.height)]


@dataclass(frozen=True, slots=True)
class Detection:
    """One thing that a detector found in one picture: what it takes it for, how surely (0 to 1), where."""

    kind: str
    score: float
    box: Box


def overlap(a: Box, b: Box) -> float:
    """Intersection over union, 0 to 1."""
    wide = min(a.x + a.width, b.x + b.width) - max(a.x, b.x)
    high = min(a.y + a.height, b.y + b.height) - max(a.y, b.y)
    if wide <= 0 or high <= 0:
        return 0.0
    shared = wide * high
    return shared / (a.width * a.height + b.width * b.height - shared)


def without_doubles(found: Iterable[Detection], most: float = 0.3) -> list[Detection]:
    """Non-maximum suppression: of those of one kind that overlap by `most` or more the surest stays."""
    kept: list[Detection] = []
    for one in sorted(found, key=lambda d: -d.score):
        if all(one.kind != other.kind or overlap(one.box, other.box) < most for other in kept):
            kept.append(one)
    return kept


def padded(box: Box, share: float) -> Box:
    """The box grown by `share` of its size on each side, cut at the picture's edges."""
    left, top = max(0.0, box.x - share * box.width), max(0.0, box.y - share * box.height)
    right = min(1.0, box.x + (1 + share) * box.width)
    bottom = min(1.0, box.y + (1 + share) * box.height)
    return Box(left, top, max(0.0, right - left), max(0.0, bottom - top))


def between(a: Box, b: Box, share: float) -> Box:
    """Linear interpolation: `a` at share 0, `b` at share 1."""

    def mixed(first: float, last: float) -> float:
        return first + (last - first) * share

    return Box(mixed(a.x, b.x), mixed(a.y, b.y), mixed(a.width, b.width), mixed(a.height, b.height))
