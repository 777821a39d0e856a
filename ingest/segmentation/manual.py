"""Clips that a person named."""

from __future__ import annotations

from dataclasses import dataclass

from ingest.segmentation.plan import ManualPlan
from ingest.segmentation.strategy import Material, Proposal


@dataclass(frozen=True, slots=True)
class ManualRanges:
    """Ranges of frames, kept as they are."""

    plan: ManualPlan

    def propose(self, material: Material) -> list[Proposal]:
        """Propose each range, ended where the recording ends; what begins after that is no clip of it."""
        total = material.ledger.frame_count
        return [
            Proposal(start, min(end, total), "manual", "exact")
            for start, end in self.plan.ranges
            if start < total
        ]

    def looked(self, material: Material) -> bool:  # noqa: ARG002
        """Never: it notices nothing by itself."""
        return False
