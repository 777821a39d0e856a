"""Clips of any plan: every frame in one, starts on key frames, lengths within bounds, nothing shared unasked."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.intervals import Interval
from ingest.segmentation.build import segment
from ingest.segmentation.plan import (
    ActivityPlan,
    FixedLengthPlan,
    ManualPlan,
    SegmentPlan,
    SoundEventPlan,
)
from ingest.segmentation.strategy import Material
from ingest.signals.findings import Findings
from tests.factories.material import lengths, materials, plans, shots, steady

SLACK = 0.001
NOTHING = SegmentPlan(max_seconds=30, fixed_length=None, scene_cut=None, sound_event=None)


def covered(clips: list[Interval]) -> set[int]:
    return {frame for clip in clips for frame in range(clip.start_frame, clip.end_frame)}


def bounds_of(clips: list[Interval]) -> list[tuple[int, int]]:
    return [(clip.start_frame, clip.end_frame) for clip in clips]


@settings(max_examples=150, deadline=None)
@given(materials(), plans(manual=True))
def test_clips_hold_every_frame_and_start_on_key_frames(material: Material, plan: SegmentPlan) -> None:
    clips = segment(material, plan)
    assert covered(clips) == set(range(material.ledger.frame_count))
    assert all(clip.start_frame in material.keys for clip in clips)
    assert bounds_of(clips) == sorted(set(bounds_of(clips)))
    assert segment(material, plan) == clips


@settings(max_examples=150, deadline=None)
@given(materials(regular=True), plans(manual=True))
def test_lengths_are_within_the_bounds(material: Material, plan: SegmentPlan) -> None:
    clips = segment(material, plan)
    total = float(material.ledger.time_of(material.ledger.frame_count))
    by_hand = {(material.key_before(a), min(b, material.ledger.frame_count)) for a, b in _ranges(plan)}
    for clip, length in zip(clips, lengths(material, clips), strict=True):
        if (clip.start_frame, clip.end_frame) not in by_hand:
            assert length >= min(total, plan.min_seconds) - SLACK
            assert length <= plan.max_seconds + 0.1 + SLACK  # an overlap ends with a frame


@settings(max_examples=100, deadline=None)
@given(materials(), plans())
def test_nothing_is_shared_but_the_overlap(material: Material, plan: SegmentPlan) -> None:
    clips = segment(material, replace(plan, fixed_length=None))
    assert all(before.end_frame == after.start_frame for before, after in pairwise(clips))
    assert [clip.start_frame for clip in clips] == sorted({clip.start_frame for clip in clips})


@settings(max_examples=100, deadline=None)
@given(materials(), st.lists(st.tuples(st.integers(0, 300), st.integers(1, 60)), min_size=1, max_size=4))
def test_ranges_of_a_person_are_kept(material: Material, drawn: list[tuple[int, int]]) -> None:
    asked = tuple((start, start + length) for start, length in drawn)
    clips = segment(material, SegmentPlan(manual=ManualPlan(asked)))
    total = material.ledger.frame_count
    for start, end in asked:
        if start < total:
            kept = Interval(material.key_before(start), min(end, total))
            assert (kept.start_frame, kept.end_frame) in bounds_of(clips)
    assert all(clip.eventful for clip in clips if "manual" in clip.reasons)


@settings(max_examples=60, deadline=None)
@given(materials(), plans(manual=True))
def test_what_is_marked_uneventful_holds_no_proposal(material: Material, plan: SegmentPlan) -> None:
    found = material.findings
    noticed = {sound.frame for sound in found.sounds} if plan.sound_event else set()
    if plan.activity:
        noticed |= {n for span in (*found.motion, *(found.speech or ())) for n in range(*_frames(span))}
    for clip in segment(material, plan):
        inside = noticed & set(range(clip.start_frame, clip.end_frame))
        assert clip.eventful or not inside
        assert clip.eventful or not {"impulse", "motion", "speech", "manual"} & set(clip.reasons)


def test_quiet_time_between_shots_is_kept_apart_as_negatives() -> None:
    material = steady(60, sounds=shots(200, 215, 450))
    clips = segment(material, replace(NOTHING, sound_event=SoundEventPlan()))
    assert [(c.start_frame, c.end_frame, c.eventful) for c in clips] == [
        (0, 180, False),
        (180, 250, True),
        (250, 430, False),
        (430, 480, True),
        (480, 600, False),
    ]


@pytest.mark.parametrize(
    ("plan", "findings", "eventful"),
    [
        (SegmentPlan(), Findings(100, True, True), False),
        (SegmentPlan(), Findings(100, True, False), True),
        (SegmentPlan(sound_event=None), Findings(100, True, True), True),
        (SegmentPlan(sound_event=None, activity=ActivityPlan()), Findings(100, True, False), False),
        (SegmentPlan(activity=ActivityPlan(kinds=("speech",))), Findings(100, True, False), True),
        (
            SegmentPlan(activity=ActivityPlan(kinds=("speech",))),
            Findings(100, False, False, speech=()),
            False,
        ),
    ],
)
def test_what_nobody_looked_into_is_not_uneventful(
    plan: SegmentPlan, findings: Findings, eventful: bool
) -> None:
    clips = segment(replace(steady(10), findings=findings), plan)
    assert {clip.eventful for clip in clips} == {eventful}


def test_a_line_of_the_grid_gives_way_to_a_shot() -> None:
    material = steady(30, sounds=shots(100))
    clips = segment(material, SegmentPlan())
    assert all(not 80 < clip.start_frame < 130 for clip in clips)
    assert {reason for clip in clips for reason in clip.reasons} == {"fixed_length", "impulse"}


def test_an_event_longer_than_the_bound_is_cut_evenly() -> None:
    material = steady(60, speech=(), sounds=shots(*range(20, 580, 20)))
    clips = segment(material, replace(NOTHING, max_seconds=20, sound_event=SoundEventPlan()))
    assert bounds_of(clips) == [(0, 200), (200, 400), (400, 600)]


def test_where_shots_follow_each_other_the_cut_falls_between_them() -> None:
    fired = range(22, 240, 34)
    clips = segment(steady(24, sounds=shots(*fired)), SegmentPlan())
    assert len(clips) == 2
    assert min(abs(clips[1].start_frame - shot) for shot in fired) >= 10


def test_overlap_is_what_was_asked_for() -> None:
    clips = segment(steady(30), replace(NOTHING, fixed_length=FixedLengthPlan(10, 2)))
    assert bounds_of(clips) == [(0, 100), (80, 180), (160, 260), (240, 300)]


def test_ends_fall_before_key_frames_where_they_must() -> None:
    material = replace(steady(30), free_ends=False)
    plan = replace(NOTHING, fixed_length=FixedLengthPlan(10, 1.5), manual=ManualPlan(((42, 57),)))
    clips = bounds_of(segment(material, plan))
    assert clips == [(0, 40), (40, 60), (60, 110), (90, 200), (180, 290), (270, 300)]


def test_a_rest_too_short_between_ranges_reaches_over_them() -> None:
    plan = replace(NOTHING, manual=ManualPlan(((0, 100), (110, 300))))
    assert bounds_of(segment(steady(30), plan)) == [(0, 100), (80, 110), (110, 300)]


def test_one_frame_is_one_clip() -> None:
    assert bounds_of(segment(steady(0.1), SegmentPlan(activity=ActivityPlan()))) == [(0, 1)]


def _ranges(plan: SegmentPlan) -> tuple[tuple[int, int], ...]:
    return plan.manual.ranges if plan.manual else ()


def _frames(span: object) -> tuple[int, int]:
    return span.start_frame, span.end_frame
