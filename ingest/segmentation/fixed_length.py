"""A clip each so many seconds, with or without overlap."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from ingest.segmentation.plan import FixedLengthPlan
from ingest.segmentation.strategy import TOLERANCE, Material, Proposal


@dataclass(frozen=True, slots=True)
class FixedLength:
    """Windows that start at the first key frame on or after each step; the next step counts from there."""

    plan: FixedLengthPlan

    def propose(self, material: Material) -> list[Proposal]:
        """Propose the windows; the last may be shorter."""
        ledger = material.ledger
        step = Fraction(str(self.plan.seconds)) - Fraction(str(self.plan.overlap_seconds))
        starts = [0]
        for key in material.keys.tolist():
            if ledger.time_of(key) - ledger.time_of(starts[-1]) + TOLERANCE >= step:
                starts.append(key)
        ends = [material.around(start, start, 0, self.plan.seconds)[1] for start in starts]
        return [Proposal(a, max(b, a + 1), "fixed_length", "grid") for a, b in zip(starts, ends, strict=True)]

    def looked(self, material: Material) -> bool:  # noqa: ARG002
        """Never: it counts seconds."""
        return False
