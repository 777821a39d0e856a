"""Clips around what goes on for a while: motion and speech."""

from __future__ import annotations

from dataclasses import dataclass

from ingest.segmentation.plan import ActivityPlan
from ingest.segmentation.strategy import Material, Proposal


@dataclass(frozen=True, slots=True)
class Activity:
    """Each stretch of the kinds asked for, with the time before and after it."""

    plan: ActivityPlan

    def propose(self, material: Material) -> list[Proposal]:
        """Propose one interval a stretch; speech only where somebody looked for it."""
        found = []
        stretches = {"motion": material.findings.motion, "speech": material.findings.speech or ()}
        for kind in self.plan.kinds:
            for one in stretches[kind]:
                start, end = material.around(
                    one.start_frame, one.end_frame, self.plan.before_seconds, self.plan.after_seconds
                )
                found.append(Proposal(start, end, kind, "event"))
        return found

    def looked(self, material: Material) -> bool:
        """Where motion was asked for and measured, or speech looked for."""
        found = material.findings
        seen, heard = found.pictures, found.speech is not None
        return ("motion" in self.plan.kinds and seen) or ("speech" in self.plan.kinds and heard)
