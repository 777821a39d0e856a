"""The rule by which frames are taken: one for each interval, the same however the recording was cut."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ingest.rhythm import beats, seconds_since

GAPS = st.lists(st.integers(1, 4000), min_size=1, max_size=80)


def test_the_first_frame_at_or_after_each_second() -> None:
    times = np.array([0.0, 0.4, 0.9996, 1.2, 3.5, 3.6, 4.0])
    assert beats(times, 1).tolist() == [0, 2, 4, 6]
    assert beats(times[3:], 1, before=0.9996).tolist() == [1, 3]


@given(GAPS, st.data(), st.sampled_from([0.5, 1, 3]))
def test_chunks_take_what_the_whole_takes(gaps: list[int], data: st.DataObject, interval: float) -> None:
    times = seconds_since(0, np.cumsum([0, *gaps]), Fraction(1, 1000))
    cuts = sorted(data.draw(st.sets(st.integers(1, len(gaps)), max_size=4)))
    taken: list[int] = []
    for start, end in zip([0, *cuts], [*cuts, len(times)], strict=True):
        before = float(times[start - 1]) if start else None
        taken += (beats(times[start:end], interval, before) + start).tolist()
    assert taken == beats(times, interval).tolist()
    assert taken[0] == 0
