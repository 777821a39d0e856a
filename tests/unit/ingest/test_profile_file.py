"""Profiles from files: the presets, and every way to get one wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ingest.errors import ProfileError
from ingest.profile_file import FORMAT, load_profile, parse_profile, preset_names
from ingest.profiles import DEFAULT_PROFILE
from ingest.segmentation.plan import ActivityPlan, ManualPlan


def stated(**members: Any) -> str:
    return json.dumps({"format": FORMAT, "name": "night", "version": 3} | members)


def test_the_standard_preset_is_the_default() -> None:
    assert load_profile("standard") == DEFAULT_PROFILE


@pytest.mark.parametrize("name", preset_names())
def test_every_preset_loads_under_its_own_name(name: str) -> None:
    assert load_profile(name).name.rpartition("-")[0] == name


def test_a_file_states_what_differs(tmp_path: Path) -> None:
    path = tmp_path / "night.json"
    changes = {
        "crf": 20,
        "thresholds": {"motion": 1},
        "segments": {
            "activity": {"kinds": ["speech"]},
            "sound_event": None,
            "manual": {"ranges": [[0, 5], [9, 12]]},
        },
    }
    path.write_text(stated(**changes))
    profile = load_profile(str(path))
    assert (profile.name, profile.crf, profile.preset) == ("night-3", 20, DEFAULT_PROFILE.preset)
    assert (profile.thresholds.motion, type(profile.thresholds.motion)) == (1.0, float)
    assert profile.segments.activity == ActivityPlan(kinds=("speech",))
    assert profile.segments.sound_event is None
    assert profile.segments.manual == ManualPlan(((0, 5), (9, 12)))
    assert profile.segments.fixed_length == DEFAULT_PROFILE.segments.fixed_length


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "is not JSON"),
        ("[]", 'does not say "format"'),
        (stated(version=0), "needs a name and a version"),
        (stated(name=""), "needs a name and a version"),
        (stated(speed=9), "has no member speed; there are"),
        (stated(crf="20"), 'crf must be a whole number, not "20"'),
        (stated(crf=True), "crf must be a whole number, not true"),
        (stated(preset=1), "preset must be text, not 1"),
        (stated(segments=[]), "segments must be an object"),
        (stated(segments={"min_seconds": "3"}), 'segments: min_seconds must be a number, not "3"'),
        (stated(segments={"min_seconds": 20}), "at least twice"),
        (stated(segments={"fixed_length": {"seconds": 1, "overlap_seconds": 1}}), "overlap_seconds must be"),
        (stated(segments={"sound_event": {"kinds": ["bang"]}}), "kinds must be one of impulse, onset"),
        (stated(segments={"sound_event": {"kinds": "impulse"}}), "kinds must be a list"),
        (stated(segments={"manual": {"ranges": [[1]]}}), "ranges must be a list of 2"),
        (stated(segments={"manual": {"ranges": [[5, 1]]}}), "5:1 is no range"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(text: str, said: str) -> None:
    with pytest.raises(ProfileError, match=r"^night\.json") as caught:
        parse_profile(text, "night.json")
    assert said in str(caught.value)


def test_an_unknown_name_lists_the_known() -> None:
    with pytest.raises(ProfileError, match="no profile nowhere: name a file, or one of events, fixed-length"):
        load_profile("nowhere")
