"""One row of `make bench`: ours against a peer, both measured in turns in one run.

What is compared is a ratio wherever it can be: seconds alone say more about the machine than about the code.
"""

from __future__ import annotations

import operator
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

_HOLDS = {"≥": operator.ge, "≤": operator.le, "<": operator.lt}
INTERVAL = "smallest and largest ratio of paired runs"


@dataclass(frozen=True, slots=True)
class Goal:
    """What the ratio ours ÷ peer should be: `Goal("≥", 0.7)`; with a unit, what ours should: `Goal("<", 50, "ms")`."""

    sign: str
    bound: float
    unit: str = ""

    def met(self, ratio: float, ours: float) -> bool:
        return bool(_HOLDS[self.sign](ours if self.unit else ratio, self.bound))

    def __str__(self) -> str:
        return f"{self.sign} {self.bound:g} {self.unit}".rstrip()


def compare(
    name: str,
    unit: str,
    ours: Sequence[float],
    peer: Sequence[float],
    *,
    peer_name: str,
    goal: Goal,
    data: str,
) -> dict[str, Any]:
    """A row of medians; `ours` and `peer` are one figure a run, taken in turns. Raises ValueError unless they pair."""
    pairs = [mine / theirs for mine, theirs in zip(ours, peer, strict=True)]
    if not pairs:
        raise ValueError(f"{name}: nothing was measured")
    ratio = statistics.median(ours) / statistics.median(peer)
    return {
        "name": name,
        "ours": round(statistics.median(ours), 4),
        "peer": round(statistics.median(peer), 4),
        "peer_name": peer_name,
        "unit": unit,
        "ratio": round(ratio, 3),
        "goal": str(goal),
        "met": goal.met(ratio, statistics.median(ours)),
        "runs": len(pairs),
        "interval": [round(min(pairs), 3), round(max(pairs), 3)],
        "interval_of": INTERVAL,
        "samples": {"ours": [round(x, 4) for x in ours], "peer": [round(x, 4) for x in peer]},
        "data": data,
    }


def absent(name: str, unit: str, *, peer_name: str, goal: Goal, reason: str) -> dict[str, Any]:
    """A row whose peer could not be had here: it is reported, never left out."""
    row = dict.fromkeys(("ours", "peer", "ratio", "met", "interval"))
    stated = {"name": name, "peer_name": peer_name, "unit": unit, "goal": str(goal), "runs": 0}
    return row | stated | {"reason": reason}
