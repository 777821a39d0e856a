"""Which recordings look like parts of one: rows alone, no footage."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from app.recordings.models import Recording
from app.recordings.service import likely_joins

BEGUN = datetime(2026, 3, 14, 10, tzinfo=UTC)


def made(name: str, *, at: float | None = None, serial: str = "X81", width: int = 1280) -> Recording:
    """A recording of a minute, begun `at` seconds after ten by the clock of the camera of that serial number."""
    start = None if at is None else (BEGUN + timedelta(seconds=at)).isoformat()
    return Recording(
        filename=name,
        duration_seconds=60.0,
        report={"source": {"container": "mov", "width": width}},
        suggestion={"started_at": start, "clock": "container", "camera": None, "serial": serial},
    )


@pytest.mark.parametrize(
    ("given", "groups"),
    [
        ([made("GX020007.MP4"), made("GX010007.MP4"), made("GX010008.MP4")], [["GX010007.MP4", "GX020007.MP4"]]),
        ([made("patrol_1.mp4"), made("patrol_3.mp4")], []),
        ([made("patrol_2.mp4"), made("patrol_3.mp4")], []),
        ([made("patrol_1.mp4"), made("patrol_2.mp4", width=1920)], []),
        ([made("patrol_1.mp4", at=0), made("patrol_2.mp4", at=300)], []),
        ([made("b.mp4", at=61), made("a.mp4", at=0), made("c.mp4", at=121)], [["a.mp4", "b.mp4", "c.mp4"]]),
        ([made("a.mp4", at=0), made("b.mp4", at=90)], []),
        ([made("a.mp4", at=0), made("b.mp4")], []),
        (
            [
                *(made("a.mp4", at=0), made("w.mp4", at=1, serial="Y")),
                *(made("b.mp4", at=60), made("x.mp4", at=61, serial="Y")),
            ],
            [["a.mp4", "b.mp4"], ["w.mp4", "x.mp4"]],
        ),
        ([], []),
    ],
)  # fmt: skip
def test_names_then_clocks_tell(given: list[Recording], groups: list[list[str]]) -> None:
    assert sorted([one.filename for one in group] for group in likely_joins(given)) == groups
