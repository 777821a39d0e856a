"""What happens in a clip, as its force reads it."""

from __future__ import annotations

import pytest

from app.recordings.models import Clip
from app.web.footage import clip_in_words


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
