"""A clip each shot."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from ingest.segmentation.plan import SceneCutPlan
from ingest.segmentation.strategy import Material, Proposal

# A clip that mixes two scenes is worse than one of another length than the rest.
_WEIGHT = 3.0


@dataclass(frozen=True, slots=True)
class SceneCut:
    """Shots between the cuts that were found in the pictures."""

    plan: SceneCutPlan

    def propose(self, material: Material) -> list[Proposal]:
        """Propose each shot; nothing where the recording is one."""
        ledger = material.ledger
        least = Fraction(str(self.plan.shortest_seconds))
        bounds = [0]
        for cut in material.findings.cuts:
            if ledger.time_of(cut.frame) - ledger.time_of(bounds[-1]) >= least:
                bounds.append(cut.frame)
        if len(bounds) == 1:
            return []
        return [
            Proposal(a, b, "scene_cut", "grid", _WEIGHT) for a, b in pairwise([*bounds, ledger.frame_count])
        ]

    def looked(self, material: Material) -> bool:  # noqa: ARG002
        """Never: a cut is no event."""
        return False
