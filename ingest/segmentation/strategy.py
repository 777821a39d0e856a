"""The one interface of all strategies: what they look at, and what they answer."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from ingest.frames import Ledger
from ingest.signals.findings import Findings

Role = Literal["grid", "event", "exact"]
# The tolerance with which the master's key frames are placed: half a millisecond.
TOLERANCE = Fraction(1, 2000)


@dataclass(frozen=True, slots=True, eq=False)
class Material:
    """A recording's frames, the ordinals of its master's key frames (sorted, int64, the first 0), what was found.

    `free_ends`: a clip may end after any frame, as pictures are stored in the order in which they are shown; else only
    before a key frame.
    """

    ledger: Ledger
    keys: NDArray[np.int64]
    findings: Findings
    free_ends: bool = True

    def end_after(self, frame: int) -> int:
        """The first place at or after `frame` where a clip may end."""
        return frame if self.free_ends else self.key_after(frame)

    def key_before(self, frame: int) -> int:
        """The last key frame at or before `frame`."""
        return int(self.keys[np.searchsorted(self.keys, frame, side="right") - 1])

    def key_after(self, frame: int) -> int:
        """The first key frame at or after `frame`; the end of the recording where there is none."""
        at = int(np.searchsorted(self.keys, frame, side="left"))
        return int(self.keys[at]) if at < len(self.keys) else self.ledger.frame_count

    def keys_between(self, start: int, end: int) -> list[int]:
        """The key frames after `start` and before `end`."""
        first, last = np.searchsorted(self.keys, start, "right"), np.searchsorted(self.keys, end, "left")
        between: list[int] = self.keys[first:last].tolist()
        return between

    def around(self, start_frame: int, end_frame: int, before: float, after: float) -> tuple[int, int]:
        """Frames [start, end) from `before` seconds ahead of `start_frame` to `after` seconds past `end_frame`."""
        ledger = self.ledger
        start = ledger.frame_at(max(Fraction(0), ledger.time_of(start_frame) - Fraction(str(before))))
        until = ledger.time_of(end_frame) + Fraction(str(after))
        last = ledger.frame_at(until)
        return start, last + (ledger.time_of(last) < until)


@dataclass(frozen=True, slots=True)
class Proposal:
    """Frames [start_frame, end_frame) that a strategy would have as a clip, and its reason in a word.

    `role`: "grid" says only where to cut, "event" that something happens which is not to be cut in two, "exact" that a
    person wants just this. `weight` says how much its edges count against those of others.
    """

    start_frame: int
    end_frame: int
    reason: str
    role: Role
    weight: float = 1.0


class Strategy(Protocol):
    """One way to find clips. Pure: the same material gives the same proposals."""

    def propose(self, material: Material) -> list[Proposal]:
        """Return the wanted intervals, in any order; they may overlap and need not cover anything."""
        ...

    def looked(self, material: Material) -> bool:
        """Whether it could have noticed an event there: what nobody looked into is not uneventful."""
        ...
