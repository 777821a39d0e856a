"""What an annotation must be, whatever is thrown at it."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.annotation.labels import ClipSpan, Label, LabelRefused, check_labels
from app.annotation.taxonomy import FIREARM_ATTACK

SPAN = ClipSpan(100, 200)
EVENTS = sorted(FIREARM_ATTACK["events"])
FRAMES = st.integers(0, 400)


@given(label=st.sampled_from(EVENTS), start=FRAMES, end=FRAMES)
def test_an_event_is_accepted_exactly_when_it_lies_inside_the_clip(label: str, start: int, end: int) -> None:
    inside = 100 <= start < end <= 200
    event = Label("event", label, start, end)
    if inside:
        check_labels([event], SPAN, FIREARM_ATTACK)
    else:
        with pytest.raises(LabelRefused):
            check_labels([event], SPAN, FIREARM_ATTACK)


@pytest.mark.parametrize("kind", ["event", "track", "tag"])
def test_a_label_that_the_taxonomy_lacks_is_refused_by_name(kind: str) -> None:
    with pytest.raises(LabelRefused, match="'unicorn'"):
        check_labels(
            [Label(kind, "unicorn", 100, 200, keyframes=[{"frame": 100, "box": [0, 0, 1, 1]}])],
            SPAN,
            FIREARM_ATTACK,
        )


def test_a_label_of_another_kind_is_refused() -> None:
    with pytest.raises(LabelRefused, match="no such label of that kind"):
        check_labels([Label("tag", "gunshot", 100, 200)], SPAN, FIREARM_ATTACK)


def test_a_tag_holds_for_the_whole_clip() -> None:
    check_labels([Label("tag", "indoor", 100, 200)], SPAN, FIREARM_ATTACK)
    with pytest.raises(LabelRefused, match="whole clip"):
        check_labels([Label("tag", "indoor", 100, 199)], SPAN, FIREARM_ATTACK)


@given(
    frames=st.lists(st.integers(100, 199), min_size=1, max_size=8),
    boxes=st.lists(st.tuples(*[st.floats(0, 1)] * 4), min_size=8, max_size=8),
)
def test_a_track_has_rising_keyframes_and_boxes_inside_the_picture(
    frames: list[int], boxes: list[tuple[float, ...]]
) -> None:
    keyframes = [{"frame": f, "box": list(b)} for f, b in zip(frames, boxes, strict=False)]
    track = Label("track", "long_gun", frames[0], 200, keyframes=keyframes)
    rising = all(a < b for a, b in pairwise(frames))
    fits = all(w > 0 and h > 0 and x + w <= 1.0001 and y + h <= 1.0001 for x, y, w, h in boxes[: len(frames)])
    if rising and fits:
        check_labels([track], SPAN, FIREARM_ATTACK)
    else:
        with pytest.raises(LabelRefused):
            check_labels([track], SPAN, FIREARM_ATTACK)


def test_the_first_offender_is_named_by_its_place() -> None:
    good, bad = Label("event", "siren", 100, 101), Label("event", "siren", 101, 101)
    with pytest.raises(LabelRefused, match="Annotation 2"):
        check_labels([good, bad, bad], SPAN, FIREARM_ATTACK)
