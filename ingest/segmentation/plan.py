"""Which strategies propose clips and with what parameters, as data: a member of a profile.

No strategy is imported here: profiles are read by what strategies stand on.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

SoundKind = Literal["impulse", "onset"]
ActivityKind = Literal["motion", "speech"]


@dataclass(frozen=True, slots=True)
class FixedLengthPlan:
    """A clip each `seconds`, of which the last `overlap_seconds` are also the next one's first."""

    seconds: float = 10.0
    overlap_seconds: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.overlap_seconds < self.seconds:
            raise ValueError("overlap_seconds must be from 0 to less than seconds")


@dataclass(frozen=True, slots=True)
class SceneCutPlan:
    """A clip each shot; shots shorter than `shortest_seconds` count with the one before."""

    shortest_seconds: float = 1.0


@dataclass(frozen=True, slots=True)
class SoundEventPlan:
    """Sounds of these kinds with what leads up to and follows them."""

    kinds: tuple[SoundKind, ...] = ("impulse",)
    before_seconds: float = 2.0
    after_seconds: float = 3.0


@dataclass(frozen=True, slots=True)
class ActivityPlan:
    """Stretches of these kinds with what leads up to and follows them."""

    kinds: tuple[ActivityKind, ...] = ("motion", "speech")
    before_seconds: float = 1.0
    after_seconds: float = 1.0


@dataclass(frozen=True, slots=True)
class ManualPlan:
    """Ranges that somebody named: half-open, in frames of the recording."""

    ranges: tuple[tuple[int, int], ...] = ()

    def __post_init__(self) -> None:
        for start, end in self.ranges:
            if not 0 <= start < end:
                raise ValueError(f"{start}:{end} is no range of frames")


@dataclass(frozen=True, slots=True)
class SegmentPlan:
    """The strategies that take part (None: does not) and the bounds of what they are combined to, in seconds.

    The default: a clip each ten seconds, moved so that shots are not cut in two and scenes not mixed.
    """

    min_seconds: float = 3.0
    max_seconds: float = 15.0
    fixed_length: FixedLengthPlan | None = FixedLengthPlan()
    scene_cut: SceneCutPlan | None = SceneCutPlan()
    sound_event: SoundEventPlan | None = SoundEventPlan()
    activity: ActivityPlan | None = None
    manual: ManualPlan | None = None

    def __post_init__(self) -> None:
        if not self.min_seconds > 0 or self.max_seconds - self.overlap_seconds < 2 * self.min_seconds:
            raise ValueError(
                "min_seconds must be more than 0, and max_seconds, less overlap_seconds, at least twice that"
            )

    @property
    def overlap_seconds(self) -> float:
        """Seconds that neighbouring clips share."""
        return self.fixed_length.overlap_seconds if self.fixed_length else 0.0

    def with_length(self, seconds: float) -> SegmentPlan:
        """The same with a clip each `seconds`, and bounds that let them be."""
        present = self.fixed_length or FixedLengthPlan()
        fixed = replace(present, seconds=seconds)
        least = min(self.min_seconds, seconds)
        most = max(self.max_seconds * seconds / present.seconds, seconds + least + fixed.overlap_seconds)
        return replace(self, min_seconds=least, max_seconds=most, fixed_length=fixed)

    def only(self, names: tuple[str, ...]) -> SegmentPlan:
        """The same with these strategies and no others; one that took no part has its defaults. Raises ValueError."""
        if unknown := set(names) - set(PLANS):
            raise ValueError(
                f"no strategy is called {', '.join(sorted(unknown))}; there are {', '.join(PLANS)}"
            )
        chosen: dict[str, Any] = {
            name: (getattr(self, name) or plan()) if name in names else None for name, plan in PLANS.items()
        }
        return replace(self, **chosen)


PLANS: dict[str, type[Any]] = {
    "fixed_length": FixedLengthPlan,
    "scene_cut": SceneCutPlan,
    "sound_event": SoundEventPlan,
    "activity": ActivityPlan,
    "manual": ManualPlan,
}
DEFAULT_PLAN = SegmentPlan()
