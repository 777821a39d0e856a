"""Recordings without pictures: a ledger, key frames and findings, for what decides on them alone."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from hypothesis import strategies as st

from ingest.frames import Ledger
from ingest.intervals import Span
from ingest.profiles import Profile
from ingest.segmentation.plan import (
    ActivityPlan,
    FixedLengthPlan,
    ManualPlan,
    SceneCutPlan,
    SegmentPlan,
    SoundEventPlan,
)
from ingest.segmentation.strategy import Material
from ingest.signals.findings import Findings
from ingest.signals.heard import SoundEvent
from ingest.signals.seen import Cut

SHORT_CLIPS = Profile(
    name="short-clips",
    segments=SegmentPlan(2, 12, FixedLengthPlan(4), scene_cut=None, sound_event=None),
)


def ledger_of(gaps: list[int]) -> Ledger:
    """Frames shown for `gaps` milliseconds each."""
    duration = np.array(gaps, dtype=np.int64)
    pts = np.concatenate([[0], np.cumsum(duration[:-1])]).astype(np.int64)
    return Ledger(
        Fraction(1, 1000),
        pts,
        duration,
        np.zeros(len(gaps), dtype=np.bool_),
        np.zeros((len(gaps), 16), np.uint8),
    )


def keys_of(ledger: Ledger) -> np.ndarray:
    """Ordinals of the first frame at or after each whole second, as the master has them."""
    seconds = [int(np.searchsorted(ledger.pts, 1000 * n)) for n in range(int(ledger.pts[-1]) // 1000 + 1)]
    return np.unique(np.array(seconds, dtype=np.int64))


def steady(seconds: float, rate: int = 10, **found: object) -> Material:
    """A recording of constant rate with a key frame each second; `found` are members of its findings."""
    ledger = ledger_of([1000 // rate] * round(seconds * rate))
    return Material(ledger, keys_of(ledger), Findings(ledger.frame_count, True, True, **found))


def shots(*frames: int) -> tuple[SoundEvent, ...]:
    return tuple(SoundEvent("impulse", frame, 0.0, 40.0) for frame in frames)


def lengths(material: Material, clips: list) -> list[float]:
    time = material.ledger.time_of
    return [float(time(clip.end_frame) - time(clip.start_frame)) for clip in clips]


@st.composite
def materials(draw: st.DrawFn, *, regular: bool = False) -> Material:
    """Any recording: uneven frames, with gaps unless `regular`, and anything found in it."""
    longest = 90 if regular else 4000
    gaps = draw(st.lists(st.integers(20, 90) | st.integers(20, longest), min_size=1, max_size=400))
    ledger = ledger_of(gaps)
    frame = st.integers(0, len(gaps) - 1)
    spans = st.lists(st.tuples(frame, frame).map(lambda ab: Span(min(ab), max(ab) + 1)), max_size=4)
    frames = sorted(draw(st.sets(frame, max_size=6)))
    return Material(
        ledger,
        keys_of(ledger),
        Findings(
            len(gaps),
            True,
            True,
            cuts=tuple(Cut(n, 20.0) for n in sorted(draw(st.sets(frame, max_size=6)))),
            motion=tuple(draw(spans)),
            sounds=shots(*frames),
            speech=tuple(draw(spans)),
        ),
    )


@st.composite
def plans(draw: st.DrawFn, *, manual: bool = False) -> SegmentPlan:
    """Any combination of strategies, within bounds that can be kept."""
    least = draw(st.integers(1, 4))
    overlap = draw(st.sampled_from([0.0, 0.0, 0.5, 1.0]))
    ranges = st.lists(
        st.tuples(st.integers(0, 300), st.integers(1, 80)).map(lambda ab: (ab[0], ab[0] + ab[1])), max_size=3
    )
    return SegmentPlan(
        min_seconds=least,
        max_seconds=draw(st.integers(2 * least + 4, 20)) + overlap,
        fixed_length=draw(
            st.none() | st.integers(2, 12).map(lambda s: FixedLengthPlan(s, min(overlap, s / 2)))
        ),
        scene_cut=draw(st.none() | st.just(SceneCutPlan())),
        sound_event=draw(st.none() | st.just(SoundEventPlan())),
        activity=draw(st.none() | st.just(ActivityPlan())),
        manual=ManualPlan(tuple(draw(ranges))) if manual else None,
    )
