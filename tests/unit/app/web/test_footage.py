"""What happens in a clip and what becomes of a recording, as its force reads it."""

from __future__ import annotations

import pytest

from app.core.clock import now
from app.jobs import MachineWait, Waiting
from app.recordings.models import Clip
from app.recordings.service import IngestProgress
from app.web.footage import Progress, clip_in_words, progress_in_words


@pytest.mark.parametrize(
    ("eventful", "reasons", "said"),
    [
        (True, ["fixed_length", "impulse", "motion"], "Sudden loud sound, motion"),
        (True, ["manual"], "Chosen by a person"),
        (True, ["fixed_length"], "–"),
        (False, ["fixed_length"], "Uneventful"),
        (False, [], "Uneventful"),
    ],
)
def test_a_clip_says_what_was_noticed_in_it(eventful: bool, reasons: list[str], said: str) -> None:
    assert clip_in_words(Clip(eventful=eventful, reasons=reasons)) == said


def _at(done: float, waiting: Waiting | None, eta: float | None = None) -> Progress | None:
    return progress_in_words(IngestProgress("encode", done, 400, "frames", 1, now(), eta, waiting))


def test_what_works_says_how_long_it_will() -> None:
    said = _at(100, None, 3600)
    assert said == Progress("making the working copies", 25, "frame 100 of 400, about 60 minutes left")


@pytest.mark.parametrize(
    ("before", "said"),
    [(0, "it is next"), (1, "1 other job first"), (1000, "1,000 or more other jobs first")],
)
def test_what_waits_for_its_turn_says_so(before: int, said: str) -> None:
    assert _at(0, Waiting(before, None)) == Progress("waiting for its turn", None, said)
    assert _at(100, Waiting(before, None)) == Progress("waiting for its turn", 25, said)


def test_what_waits_for_the_machine_says_since_when_and_why() -> None:
    since = now()
    store = _at(100, Waiting(7, MachineWait(since, "store-unavailable")))
    assert store == Progress(
        "waiting for the machine", 25, since=since, why="the store of footage does not answer"
    )
    other = _at(0, Waiting(7, MachineWait(since, "machine-fault")))
    assert other is not None
    assert "log" in other.why
