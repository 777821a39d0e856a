"""Clips around sudden sounds: shots, blows, doors."""

from __future__ import annotations

from dataclasses import dataclass

from ingest.segmentation.plan import SoundEventPlan
from ingest.segmentation.strategy import Material, Proposal


@dataclass(frozen=True, slots=True)
class SoundEvents:
    """Each sound of the kinds asked for, with the time before and after it."""

    plan: SoundEventPlan

    def propose(self, material: Material) -> list[Proposal]:
        """Propose one interval a sound."""
        found = []
        for sound in material.findings.sounds:
            if sound.kind in self.plan.kinds:
                start, end = material.around(
                    sound.frame, sound.frame, self.plan.before_seconds, self.plan.after_seconds
                )
                found.append(Proposal(start, max(end, sound.frame + 1), sound.kind, "event"))
        return found

    def looked(self, material: Material) -> bool:
        """Where there is sound."""
        return material.findings.sound
