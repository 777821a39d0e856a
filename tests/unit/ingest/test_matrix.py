"""A seeded few of the matrix of clips; all of it is a campaign: `make campaign ONLY=matrix`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.matrix import hold, numbers
from tests.faults.outcome import Outcome
from tests.media.matrix import HOLDS, Case, every_case, some_cases
from tests.media.matrix_clips import make

CASES = [
    Case("mp4", "h264-b", "30000/1001", "two", "90"),
    Case("mkv", "hevc", "vfr", "late", "10-bit"),
    Case("ts", "h264", "25", "mono", "interlaced", "cut"),
    Case("mov", "mpeg4", "50", "stereo", "plain", "edit list"),
    Case("mkv", "h264", "25", "mono", "plain", "offset"),
    Case("mp4", "hevc", "30000/1001", "mono", "plain", "subtitles"),
    *some_cases(2024, 3),
]


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_taken_in_to_the_frame_or_refused_for_the_right_reason(tmp_path: Path, case: Case) -> None:
    outcome = Outcome()
    assert hold(case, tmp_path, outcome) == []
    assert sum(outcome.counts.values()) == 1


def test_the_matrix_covers_every_container_and_codec() -> None:
    cases = list(every_case())
    assert {(case.container, case.codec) for case in cases} == {
        (c, codec) for c, held in HOLDS.items() for codec in held
    }
    assert len(set(cases)) == len(cases) > 900


def test_pictures_carry_their_numbers(tmp_path: Path) -> None:
    clip = make(Case("mkv", "h264", "60"), tmp_path)
    assert numbers(clip, 0) == list(range(96))
