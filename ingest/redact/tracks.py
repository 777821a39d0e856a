"""Links what was detected in sampled frames into tracks, one a face (or screen, or plate).

Greedy and simple on purpose: a person looks at every track, so that two tracks for one face cost a click, while a
track that jumps from one face to another hides the wrong place in between.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import hypot

from ingest.redact.boxes import Box, Detection, between, overlap, padded
from ingest.redact.regions import Keyframe

# Two sightings are of one thing when they overlap so much, or their middles are nearer than so many of its sizes.
_LEAST_OVERLAP, _FARTHEST, _MOST_GROWTH = 0.2, 1.8, 1.8


@dataclass(frozen=True, slots=True)
class Sampled:
    """What was found in the frame of that ordinal."""

    frame: int
    found: Sequence[Detection]


@dataclass(frozen=True, slots=True)
class Track:
    """One thing followed over frames start_frame ≤ n < end_frame; `score` is the surest sighting's, `sightings` how
    many there were."""

    kind: str
    start_frame: int
    end_frame: int
    score: float
    sightings: int
    keyframes: tuple[Keyframe, ...]


@dataclass(slots=True)
class _Open:
    kind: str
    seen: list[tuple[int, Detection]] = field(default_factory=list)

    @property
    def last(self) -> tuple[int, Detection]:
        return self.seen[-1]

    def expected(self, frame: int) -> Box:
        """Where it is by then if it moves on as it did between its last two sightings."""
        at, detection = self.last
        if len(self.seen) < 2:
            return detection.box
        before, earlier = self.seen[-2]
        return between(earlier.box, detection.box, (frame - before) / (at - before))


def link(
    samples: Iterable[Sampled], *, step: int, patience: int, frame_count: int, padding: float
) -> list[Track]:
    """Tracks in order of their first frame.

    `step` is the distance of sampled frames, `patience` how many frames a thing may go unseen and still be the same.
    A track reaches one step beyond its first and last sighting, since it came and went between samples; its boxes are
    padded by `padding` of their size on each side.
    """
    done: list[_Open] = []
    live: list[_Open] = []
    for sample in samples:
        done += [track for track in live if sample.frame - track.last[0] > patience]
        live = [track for track in live if sample.frame - track.last[0] <= patience]
        taken: set[int] = set()
        for detection in sorted(sample.found, key=lambda d: -d.score):
            track = _nearest(live, detection, sample.frame, taken)
            if track is None:
                track = _Open(detection.kind)
                live.append(track)
            track.seen.append((sample.frame, detection))
            taken.add(id(track))
    finished = [_close(track, step, frame_count, padding) for track in done + live]
    return sorted(finished, key=lambda t: (t.start_frame, t.keyframes[0].box.x))


def _nearest(live: list[_Open], detection: Detection, frame: int, taken: set[int]) -> _Open | None:
    best, most = None, 0.0
    for track in live:
        if id(track) not in taken and track.kind == detection.kind:
            likeness = max(
                _likeness(box, detection.box) for box in (track.last[1].box, track.expected(frame))
            )
            if likeness > most:
                best, most = track, likeness
    return best


def _likeness(a: Box, b: Box) -> float:
    """Above 0 where both may be of one thing; a larger overlap counts more than a near middle."""
    if not 1 / _MOST_GROWTH <= (a.width + 1e-9) / (b.width + 1e-9) <= _MOST_GROWTH:
        return 0.0
    shared = overlap(a, b)
    if shared >= _LEAST_OVERLAP:
        return 1 + shared
    (x, y), (u, v) = a.centre, b.centre
    far = hypot((u - x) / max(a.width, b.width), (v - y) / max(a.height, b.height))
    return max(0.0, 1 - far / _FARTHEST)


def _close(track: _Open, step: int, frame_count: int, padding: float) -> Track:
    frames = [frame for frame, _ in track.seen]
    return Track(
        kind=track.kind,
        start_frame=max(0, frames[0] - step + 1),
        end_frame=min(frame_count, frames[-1] + step),
        score=round(max(d.score for _, d in track.seen), 3),
        sightings=len(frames),
        keyframes=_keyframes(track, max(0, frames[0] - step + 1), padding),
    )


def _keyframes(track: _Open, start: int, padding: float) -> tuple[Keyframe, ...]:
    """One a sighting; the first box also opens the track."""
    made = [Keyframe(frame, padded(d.box, padding)) for frame, d in track.seen]
    return (Keyframe(start, made[0].box), *made) if start < made[0].frame else tuple(made)
