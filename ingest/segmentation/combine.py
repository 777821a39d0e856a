"""Makes one list of clips of what all strategies propose.

Clips start on key frames of the master, together hold every frame, and last between the bounds. They share frames only
where that was asked for: by an overlap, or by a range that a person ended between key frames.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from ingest.intervals import Interval, merged
from ingest.segmentation.partition import Costs, partition
from ingest.segmentation.strategy import Material, Proposal


@dataclass(frozen=True, slots=True)
class Bounds:
    """Least and greatest length of a clip, and what neighbours share; in seconds."""

    min_seconds: float
    max_seconds: float
    overlap_seconds: float = 0.0


def combine(material: Material, proposals: list[Proposal], bounds: Bounds, *, looked: bool) -> list[Interval]:
    """Return the clips, by start.

    A person's ranges stay as they are but for their start, which moves back to a key frame, and, where the material has
    no `free_ends`, their end, which moves on to one; bounds do not touch them.
    All other time is cut into clips of at least the least length, if the recording has that, and at most the greatest,
    unless no key frame allows it. If somebody `looked` for events, a clip without one, or a person's range, is not
    eventful.
    """
    exact = sorted({(p.start_frame, p.end_frame) for p in proposals if p.role == "exact"})
    pinned = [(material.key_before(start), material.end_after(end)) for start, end in exact]
    costs = _costs(material, proposals)
    clips = set(pinned)
    for start, end in _free(material, pinned):
        clips |= set(_cut(material, costs, _widened(material, start, end, bounds), bounds))
    return _intervals(material, sorted(clips), proposals, looked)


def _free(material: Material, pinned: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Stretches that no pinned clip covers, each begun at the key frame at or before."""
    gaps = []
    at = 0
    for start, end in merged(pinned):
        if start > at:
            gaps.append((material.key_before(at), start))
        at = end
    if at < material.ledger.frame_count:
        gaps.append((material.key_before(at), material.ledger.frame_count))
    return gaps


def _widened(material: Material, start: int, end: int, bounds: Bounds) -> tuple[int, int]:
    """A stretch that is too short for a clip, spread over its neighbours: backwards first, by key frames."""
    ledger, least = material.ledger, Fraction(str(bounds.min_seconds))
    if ledger.time_of(end) - ledger.time_of(start) >= least:
        return start, end
    start = material.key_before(ledger.frame_at(max(Fraction(0), ledger.time_of(end) - least)))
    if ledger.time_of(end) - ledger.time_of(start) < least:
        end = material.end_after(material.around(start, start, 0, bounds.min_seconds)[1])
    return start, end


def _cut(material: Material, costs: Costs, stretch: tuple[int, int], bounds: Bounds) -> list[tuple[int, int]]:
    """Cut one stretch at key frames, and let every clip but the last reach over its end by the overlap."""
    overlap = bounds.overlap_seconds
    pieces = partition(material, costs, stretch, bounds.min_seconds, bounds.max_seconds - overlap)
    if not overlap:
        return pieces
    reached = [material.end_after(material.around(end, end, 0, overlap)[1]) for _, end in pieces]
    return [(start, until) for (start, _), until in zip(pieces, [*reached[:-1], pieces[-1][1]], strict=True)]


def _costs(material: Material, proposals: list[Proposal]) -> Costs:
    """What the proposals say of each key frame."""
    wanted: dict[int, float] = {}
    through: dict[int, float] = {}
    for one in proposals:
        edges = [material.key_before(one.start_frame)]
        if one.role == "event":
            edges.append(material.key_after(one.end_frame))
            _cut_through(material, one, through)
        elif one.role == "grid":
            edges = [_nearest(material, one.start_frame)]
        for edge in edges:
            wanted[edge] = max(wanted.get(edge, 0.0), one.weight)
    return Costs(wanted, through)


def _cut_through(material: Material, event: Proposal, through: dict[int, float]) -> None:
    """Add to each key frame inside an event how deep in it that lies, squared: what matters is in the middle."""
    time = material.ledger.time_of
    start, end = time(event.start_frame), time(event.end_frame)
    for key in material.keys_between(event.start_frame, event.end_frame):
        depth = min(time(key) - start, end - time(key)) / ((end - start) / 2)
        through[key] = through.get(key, 0.0) + float(depth) ** 2


def _nearest(material: Material, frame: int) -> int:
    before, after = material.key_before(frame), material.key_after(frame)
    time = material.ledger.time_of
    return before if time(frame) - time(before) <= time(after) - time(frame) else after


def _intervals(
    material: Material, clips: list[tuple[int, int]], proposals: list[Proposal], looked: bool
) -> list[Interval]:
    """The clips with their reasons: what happens in them and, where one begins on a grid's line, that grid."""
    starts, ends = np.array(clips, dtype=np.int64).T
    reasons: list[set[str]] = [set() for _ in clips]
    eventful = np.full(len(clips), not looked)
    for one in proposals:
        if one.role == "grid":
            concerned = starts == _nearest(material, one.start_frame)
        else:
            concerned = (starts < one.end_frame) & (ends > one.start_frame)
            eventful |= concerned
        for clip in np.flatnonzero(concerned):
            reasons[clip].add(one.reason)
    return [
        Interval(start, end, tuple(sorted(why)), bool(noticed))
        for (start, end), why, noticed in zip(clips, reasons, eventful, strict=True)
    ]
