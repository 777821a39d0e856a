"""From a plan and a recording to its clips: the strategies that take part, then the combiner."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ingest.intervals import Interval
from ingest.segmentation.activity import Activity
from ingest.segmentation.combine import Bounds, combine
from ingest.segmentation.fixed_length import FixedLength
from ingest.segmentation.manual import ManualRanges
from ingest.segmentation.plan import SegmentPlan
from ingest.segmentation.scene_cut import SceneCut
from ingest.segmentation.sound_event import SoundEvents
from ingest.segmentation.strategy import Material, Strategy

_STRATEGIES: dict[str, Callable[[Any], Strategy]] = {
    "fixed_length": FixedLength,
    "scene_cut": SceneCut,
    "sound_event": SoundEvents,
    "activity": Activity,
    "manual": ManualRanges,
}


def strategies_of(plan: SegmentPlan) -> list[Strategy]:
    """The strategies that take part in a plan."""
    return [make(part) for name, make in _STRATEGIES.items() if (part := getattr(plan, name)) is not None]


def segment(material: Material, plan: SegmentPlan) -> list[Interval]:
    """Cut a recording as planned. The same plan and material give the same clips."""
    strategies = strategies_of(plan)
    proposals = [one for strategy in strategies for one in strategy.propose(material)]
    looked = any(strategy.looked(material) for strategy in strategies)
    bounds = Bounds(plan.min_seconds, plan.max_seconds, plan.overlap_seconds)
    return combine(material, proposals, bounds, looked=looked)
