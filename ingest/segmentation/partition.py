"""Cuts a stretch at key frames as cheaply as possible: the shortest path from its start to its end.

What it costs, dearest first: to break a bound, to cut an event in two, to pass over a wanted edge, to cut where nobody
wants to; between equals, even lengths win. All is counted in one number; the same input gives the same clips.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate, pairwise

from ingest.segmentation.strategy import TOLERANCE, Material

_BREAK = 1e6
_THROUGH_EVENT = 20.0
_UNWANTED = 2.0
_UNEVEN = 0.01


@dataclass(frozen=True, slots=True)
class Costs:
    """Of key frames: `wanted`, how much a cut there is wanted; `through`, how deep in events it lies, from 0 at an
    event's edges to 1 at its middle, summed up over all events."""

    wanted: dict[int, float]
    through: dict[int, float]

    def of_cut(self, frame: int) -> float:
        """What a cut before `frame` costs."""
        return _THROUGH_EVENT * self.through.get(frame, 0.0) + (0.0 if frame in self.wanted else _UNWANTED)


def partition(
    material: Material, costs: Costs, stretch: tuple[int, int], shortest: float, longest: float
) -> list[tuple[int, int]]:
    """Cut [start, end) at key frames into pieces of `shortest` to `longest` seconds, as near as can be."""
    start, end = stretch
    inner = material.keys_between(start, end)
    frames = [start, *inner, end]
    times = [float(material.ledger.time_of(frame)) for frame in frames]
    price = [costs.of_cut(frame) for frame in inner]
    passed = [0.0, *accumulate(costs.wanted.get(frame, 0.0) for frame in inner)]
    came = _cheapest(times, price, passed, shortest, longest)
    bounds = [len(frames) - 1]
    while bounds[-1]:
        bounds.append(came[bounds[-1]])
    bounds.reverse()
    return [(frames[a], frames[b]) for a, b in pairwise(bounds)]


def _cheapest(
    times: list[float], price: list[float], passed: list[float], shortest: float, longest: float
) -> list[int]:
    """For each place where a piece may end, where the cheapest way there began its last piece."""
    best, came = [0.0], [0]
    for j in range(1, len(times)):
        found, origin = float("inf"), j - 1
        for i in range(j - 1, -1, -1):
            length = times[j] - times[i]
            if (length - longest) * _BREAK >= found:
                break  # still longer ones cost more
            total = best[i] + _length_cost(length, shortest, longest) + passed[j - 1] - passed[i]
            if total < found:
                found, origin = total, i
        best.append(found + (price[j - 1] if j <= len(price) else 0.0))
        came.append(origin)
    return came


def _length_cost(length: float, shortest: float, longest: float) -> float:
    slack = float(TOLERANCE)
    broken = max(0.0, shortest - slack - length, length - longest - slack)
    return (_BREAK * (1 + broken) if broken else 0.0) + _UNEVEN * (length / longest) ** 2
