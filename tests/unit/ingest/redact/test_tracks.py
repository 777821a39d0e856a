"""Boxes, keyframes and the tracks that sightings are linked into."""

from __future__ import annotations

import pytest

from ingest.redact.boxes import Box, Detection, overlap, padded, without_doubles
from ingest.redact.regions import Keyframe, Region, box_at
from ingest.redact.tracks import Sampled, Track, link


def face(x: float, y: float = 0.4, size: float = 0.1, score: float = 0.9) -> Detection:
    return Detection("face", score, Box(x, y, size, size))


def linked(*frames: tuple[int, list[Detection]], frame_count: int = 100) -> list[Track]:
    samples = [Sampled(frame, found) for frame, found in frames]
    return link(samples, step=5, patience=10, frame_count=frame_count, padding=0.0)


def test_overlap_is_the_shared_part_of_both() -> None:
    assert overlap(Box(0, 0, 0.2, 0.2), Box(0.1, 0, 0.2, 0.2)) == pytest.approx(1 / 3)
    assert overlap(Box(0, 0, 0.2, 0.2), Box(0.2, 0, 0.2, 0.2)) == 0


def test_of_two_sightings_of_one_thing_the_surer_stays() -> None:
    plate = Detection("plate", 0.4, Box(0.1, 0.4, 0.1, 0.1))
    assert without_doubles([face(0.1, score=0.5), face(0.11), plate]) == [face(0.11), plate]


def test_padding_ends_at_the_edge_of_the_picture() -> None:
    assert padded(Box(0.0, 0.9, 0.2, 0.1), 0.5).as_list() == [0.0, 0.85, 0.3, 0.15]


def test_a_moving_face_is_one_track_that_reaches_a_step_beyond_what_was_seen() -> None:
    (track,) = linked(*[(frame, [face(0.1 + frame / 500)]) for frame in range(10, 40, 5)])
    assert (track.start_frame, track.end_frame, track.sightings) == (6, 40, 6)
    assert [k.frame for k in track.keyframes] == [6, 10, 15, 20, 25, 30, 35]


def test_a_face_that_runs_is_found_where_it_will_be() -> None:
    """Three sizes a sample: only its speed leads there."""
    (track,) = linked(*[(5 * n, [face(0.02 + 0.15 * n, size=0.09)]) for n in range(6)])
    assert track.sightings == 6


def test_two_faces_that_cross_stay_two() -> None:
    frames = [(5 * n, [face(0.1 + 0.05 * n, 0.2), face(0.6 - 0.05 * n, 0.6)]) for n in range(10)]
    tracks = linked(*frames)
    assert sorted(t.sightings for t in tracks) == [10, 10]
    assert {k.box.y for t in tracks for k in t.keyframes} == {0.2, 0.6}


def test_a_face_is_the_same_after_a_short_absence_and_another_after_a_long_one() -> None:
    assert len(linked((0, [face(0.1)]), (10, [face(0.1)]))) == 1
    first, second = linked((0, [face(0.1)]), (15, [face(0.1)]), frame_count=18)
    assert (first.end_frame, second.start_frame, second.end_frame) == (5, 11, 18)


def test_boxes_move_linearly_between_keyframes_and_stay_after_the_last() -> None:
    region = Region("mask", 0, 30, (Keyframe(2, Box(0, 0, 0.2, 0.2)), Keyframe(12, Box(0.5, 0, 0.2, 0.4))))
    assert region.box_at(0) == Box(0, 0, 0.2, 0.2)
    assert region.box_at(7) == Box(0.25, 0, 0.2, pytest.approx(0.3))
    assert region.box_at(29) == Box(0.5, 0, 0.2, 0.4)
    assert region.box_at(30) is None


def test_nothing_is_hidden_from_an_outside_keyframe_to_the_next() -> None:
    there, gone = Box(0, 0, 0.2, 0.2), Box(0.1, 0, 0.2, 0.2)
    keyframes = (Keyframe(0, there), Keyframe(5, gone, outside=True), Keyframe(9, there))
    found = [box_at(keyframes, frame) is not None for frame in range(11)]
    assert found == [True] * 5 + [False] * 4 + [True] * 2
    assert box_at(keyframes, 4) == there


def test_keyframes_are_stored_as_labels_are() -> None:
    keyframe = Keyframe(7, Box(0.1, 0.2, 0.3, 0.4), outside=True)
    assert keyframe.as_json() == {"frame": 7, "box": [0.1, 0.2, 0.3, 0.4], "outside": True}
    assert Keyframe.from_json(keyframe.as_json()) == keyframe
