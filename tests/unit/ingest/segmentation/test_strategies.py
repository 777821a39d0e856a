"""What each strategy proposes, apart from the others."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.intervals import Span
from ingest.segmentation.activity import Activity
from ingest.segmentation.build import segment
from ingest.segmentation.fixed_length import FixedLength
from ingest.segmentation.manual import ManualRanges
from ingest.segmentation.plan import (
    ActivityPlan,
    FixedLengthPlan,
    ManualPlan,
    SceneCutPlan,
    SegmentPlan,
    SoundEventPlan,
)
from ingest.segmentation.scene_cut import SceneCut
from ingest.segmentation.sound_event import SoundEvents
from ingest.segmentation.strategy import Material, Proposal
from ingest.signals.findings import Findings
from ingest.signals.heard import SoundEvent
from ingest.signals.seen import Cut
from tests.factories.material import keys_of, ledger_of, shots, steady


def frames_of(proposals: list[Proposal]) -> list[tuple[int, int]]:
    return [(one.start_frame, one.end_frame) for one in proposals]


def test_fixed_length_counts_from_the_key_frame_it_took() -> None:
    ledger = ledger_of([100] * 45)
    material = Material(ledger, np.array([0, 12, 24, 36]), Findings(45, True, True))
    assert frames_of(FixedLength(FixedLengthPlan(2)).propose(material)) == [(0, 20), (24, 44)]


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(10, 400), min_size=1, max_size=200), st.integers(2, 6))
def test_alone_it_cuts_as_a_walk_along_the_key_frames_would(gaps: list[int], seconds: int) -> None:
    """The first key frame at or after each step; a rest shorter than a second joins the clip before.

    Where that walk makes a clip longer than the plan allows, it is not the answer: a clip is longer than that only
    where no key frame lies in it.
    """
    ledger = ledger_of(gaps)
    keys = keys_of(ledger)
    starts, total = [0], ledger.frame_count
    for key in keys.tolist():
        if ledger.time_of(key) - ledger.time_of(starts[-1]) >= seconds:
            starts.append(key)
    if len(starts) > 1 and ledger.time_of(total) - ledger.time_of(starts[-1]) < 1:
        starts.pop()
    plan = SegmentPlan(min_seconds=1, scene_cut=None, sound_event=None).with_length(seconds)
    clips = segment(Material(ledger, keys, Findings(total, False, False)), plan)
    lengths = [ledger.time_of(b) - ledger.time_of(a) for a, b in pairwise([*starts, total])]
    if max(lengths) <= plan.max_seconds:
        assert [clip.start_frame for clip in clips] == starts
        assert all(clip.reasons == ("fixed_length",) for clip in clips)
    else:
        longer = [
            c for c in clips if ledger.time_of(c.end_frame) - ledger.time_of(c.start_frame) > plan.max_seconds
        ]
        assert all(not np.any((keys > c.start_frame) & (keys < c.end_frame)) for c in longer)
        assert plan.fixed_length is not None
        proposed = FixedLength(plan.fixed_length).propose(
            Material(ledger, keys, Findings(total, False, False))
        )
        grid = {one.start_frame for one in proposed}
        assert all(clip.reasons == (("fixed_length",) if clip.start_frame in grid else ()) for clip in clips)
    assert all(clip.eventful for clip in clips)


def test_shots_are_between_cuts_and_flickers_are_none() -> None:
    material = steady(10, cuts=(Cut(30, 20.0), Cut(33, 20.0), Cut(70, 20.0)))
    assert frames_of(SceneCut(SceneCutPlan()).propose(material)) == [(0, 30), (30, 70), (70, 100)]
    assert SceneCut(SceneCutPlan()).propose(steady(10)) == []


def test_a_clip_begins_at_the_key_frame_nearest_to_a_cut() -> None:
    material = steady(20, cuts=(Cut(74, 20.0), Cut(146, 20.0)))
    plan = SegmentPlan(fixed_length=None, sound_event=None)
    clips = segment(material, plan)
    assert [(clip.start_frame, clip.reasons) for clip in clips] == [
        (0, ("scene_cut",)),
        (70, ("scene_cut",)),
        (150, ("scene_cut",)),
    ]


def test_sounds_have_a_lead_and_a_tail_inside_the_recording() -> None:
    sounds = (*shots(5, 50), SoundEvent("onset", 80, 8.0, 0.4))
    proposals = SoundEvents(SoundEventPlan()).propose(steady(10, sounds=sounds))
    assert frames_of(proposals) == [(0, 35), (30, 80)]
    both = SoundEvents(SoundEventPlan(kinds=("impulse", "onset"))).propose(steady(10, sounds=sounds))
    assert frames_of(both)[2:] == [(60, 100)]


def test_activity_is_motion_and_speech_where_it_was_looked_for() -> None:
    material = steady(10, motion=(Span(30, 40),), speech=(Span(60, 70),))
    proposals = Activity(ActivityPlan()).propose(material)
    assert [(p.start_frame, p.end_frame, p.reason) for p in proposals] == [
        (20, 50, "motion"),
        (50, 80, "speech"),
    ]
    assert frames_of(Activity(ActivityPlan(kinds=("speech",))).propose(steady(10))) == []


def test_ranges_end_with_the_recording() -> None:
    plan = ManualPlan(((90, 200), (100, 120)))
    assert frames_of(ManualRanges(plan).propose(steady(10))) == [(90, 100)]


@pytest.mark.parametrize(
    "make",
    [
        lambda: FixedLengthPlan(2, 2),
        lambda: ManualPlan(((5, 5),)),
        lambda: ManualPlan(((-1, 5),)),
        lambda: SegmentPlan(min_seconds=0),
        lambda: SegmentPlan(min_seconds=5, max_seconds=9),
        lambda: SegmentPlan().only(("nonsense",)),
    ],
)
def test_plans_that_cannot_be_kept_are_refused(make: object) -> None:
    with pytest.raises(ValueError, match=r"seconds|range|strategy"):
        make()


def test_only_and_with_length_leave_a_plan_that_can_be_kept() -> None:
    plan = SegmentPlan().only(("activity", "manual"))
    assert (plan.fixed_length, plan.scene_cut, plan.activity) == (None, None, ActivityPlan())
    assert SegmentPlan().with_length(60).max_seconds == 90
    assert SegmentPlan().with_length(4).max_seconds == 7
    assert SegmentPlan().with_length(1).min_seconds == 1
