"""Where a long recording is cut, so that several workers can code it and the bytes never depend on how many did.

A chunk starts at a key frame from which decoding gives exactly the frames that decoding from the start would: nothing
that follows it is shown before it. The cuts are a function of the file and the profile alone.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from ingest.packets import Packets
from ingest.profiles import Profile
from ingest.rhythm import beats

# Demuxers that find a key frame exactly. MPEG-TS has no index, and AVI no presentation times to seek by.
SEEKABLE = frozenset({"mov", "matroska"})


@dataclass(frozen=True, slots=True)
class Chunk:
    """Frames with start_pts ≤ PTS < end_pts (None: to the end), in the source's time base.

    `before` is the PTS of the last frame before it, None for the first chunk; `seek` is where a demuxer is sent, in
    seconds, None for the start of the file; `first` is its first frame's ordinal and `frames` how many pictures it has,
    as the container lists them.
    """

    number: int
    start_pts: int
    end_pts: int | None
    before: int | None
    seek: float | None
    first: int
    frames: int

    @property
    def name(self) -> str:
        """The name of the step that codes it."""
        return f"encode-{self.number:04}"


def cut_chunks(packets: Packets, container: str, profile: Profile) -> tuple[Chunk, ...]:
    """Chunks of about `profile.chunk_seconds`, in order; one only where the file cannot be cut safely."""
    first, total = packets.first, len(packets.pts)
    starts = [first]
    if wants_cutting(packets, container, profile):
        starts += _cuts(packets, profile)
    ends = [*starts[1:], total]
    return tuple(
        _chunk(packets, number, a, b) for number, (a, b) in enumerate(zip(starts, ends, strict=True))
    )


def keep_seams(chunks: Sequence[Chunk], starts: Container[int]) -> tuple[Chunk, ...]:
    """The same recording cut only where a chunk's `start_pts` is among `starts`: any other goes to the one before."""
    kept = [chunks[0]]
    for chunk in chunks[1:]:
        if chunk.start_pts in starts:
            kept.append(replace(chunk, number=len(kept)))
        else:
            kept[-1] = replace(kept[-1], end_pts=chunk.end_pts, frames=kept[-1].frames + chunk.frames)
    return tuple(kept)


def wants_cutting(packets: Packets, container: str, profile: Profile) -> bool:
    """True for a recording long enough to be worth more than one chunk, in a container that can be cut."""
    return container in SEEKABLE and _long(float(packets.seconds()[-1]), profile)


def _long(seconds: float, profile: Profile) -> bool:
    return seconds >= 1.5 * profile.chunk_seconds


def _chunk(packets: Packets, number: int, start: int, end: int) -> Chunk:
    pts = packets.pts
    following = int(pts[start + 1]) if start + 1 < len(pts) else int(pts[start]) + 1
    # The middle of the frame: rounding to microseconds must not fall on the key frame before.
    middle = Fraction(int(pts[start]) + following, 2) * packets.time_base
    return Chunk(
        number=number,
        start_pts=int(pts[start]),
        end_pts=int(pts[end]) if end < len(pts) else None,
        before=int(pts[start - 1]) if number else None,
        seek=float(middle) if number else None,
        first=start - packets.first,
        frames=end - start,
    )


def _cuts(packets: Packets, profile: Profile) -> list[int]:
    """Indices of the packets that start a chunk, the first chunk's left out."""
    times = packets.seconds()
    candidates = np.flatnonzero(packets.clean & (np.arange(len(times)) > packets.first))
    on_beat = np.isin(candidates, beats(times, profile.gop_seconds))
    cuts: list[int] = []
    last, end = float(times[packets.first]), float(times[-1])
    while _long(end - last, profile):
        at = _nearest(times[candidates], on_beat, last + profile.chunk_seconds, profile.chunk_slack)
        if at is None:
            break
        cuts.append(int(candidates[at]))
        last = float(times[cuts[-1]])
    return cuts


def _nearest(
    times: NDArray[np.float64], on_beat: NDArray[np.bool_], wanted: float, slack: float
) -> int | None:
    """The candidate nearest to `wanted`, one that falls on the master's own key frames if there is one within
    `slack` seconds; else the first one after. None when nothing is left."""
    distance = np.abs(times - wanted)
    for eligible in (on_beat & (distance <= slack), distance <= slack):
        if eligible.any():
            return int(np.where(eligible, distance, np.inf).argmin())
    later = np.flatnonzero(times > wanted)
    return int(later[0]) if len(later) else None
