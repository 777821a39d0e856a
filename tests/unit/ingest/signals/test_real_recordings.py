"""Findings in real recordings, where the development data is at hand: cuts between takes, shots on a range."""

from __future__ import annotations

import re
import subprocess
from itertools import pairwise
from pathlib import Path

import pytest

from ingest.ffmpeg import Tools
from ingest.signals.heard import find_sounds
from ingest.signals.pictures import HEIGHT, WIDTH, read_pictures
from ingest.signals.seen import cut_scores, find_cuts
from ingest.signals.sound import read_sound
from ingest.signals.thresholds import DEFAULT_THRESHOLDS
from tests.factories.material import ledger_of

DATA = Path(__file__).parents[5] / "shared" / "data"
FOOTAGE, RANGE = DATA / "footage", DATA / "audio" / "range-recordings"
# Takes of a second and a half, from these seconds on; the one but last is as dim as the last.
TAKES = [
    ("gopro/max-heromode.mp4", 0),
    ("near-duplicates/chair-orig-22-sd-bar.mp4", 1),
    ("street/car.mp4", 5),
    ("gopro/karma.mp4", 1),
    ("street/people.mp4", 3),
    ("near-duplicates/doorknob-hd-no-bar.mp4", 1),
    ("gopro/karma.mp4", 7),
]
RATE, LENGTH = 20, 30
GREY = f"scale={WIDTH}:{HEIGHT}:flags=area:out_range=pc,format=gray"


@pytest.fixture(scope="module")
def montage(tmp_path_factory: pytest.TempPathFactory, tools: Tools) -> Path:
    """The takes one after the other, 30 frames each."""
    if not FOOTAGE.exists():
        pytest.skip("the development footage is not at hand")
    inputs = [word for name, at in TAKES for word in ("-ss", str(at), "-t", "1.6", "-i", FOOTAGE / name)]
    same = f"scale=320:180,setsar=1,fps={RATE},trim=end_frame={LENGTH},format=yuv420p"
    graph = "".join(f"[{n}:v]{same}[v{n}];" for n in range(len(TAKES)))
    joined = "".join(f"[v{n}]" for n in range(len(TAKES))) + f"concat=n={len(TAKES)},setpts=N/({RATE}*TB)"
    path = tmp_path_factory.mktemp("montage") / "montage.mkv"
    run(tools, *inputs, "-filter_complex", graph + joined, "-c:v", "libx264", "-preset", "ultrafast", path)
    return path


def run(tools: Tools, *args: object) -> str:
    argv = [tools.ffmpeg, "-hide_banner", "-nostdin", "-y", *args]
    return subprocess.run(argv, capture_output=True, text=True, check=True, timeout=120).stderr


def test_every_cut_between_real_takes_is_found_and_scdets_are_among_them(
    montage: Path, tools: Tools, tmp_path: Path
) -> None:
    raw = tmp_path / "gray.raw"
    run(tools, "-i", montage, "-vf", GREY, "-f", "rawvideo", raw)
    signals = read_pictures(raw)
    found = {cut.frame for cut in find_cuts(signals, DEFAULT_THRESHOLDS)}
    assert found == {LENGTH * n for n in range(1, len(TAKES))}
    heard = run(tools, "-i", montage, "-vf", "scdet=t=10", "-f", "null", "-")
    theirs = {round(float(time) * RATE) for time in re.findall(r"scd\.time: ([\d.]+)", heard)}
    assert len(theirs) >= len(TAKES) - 2
    assert theirs <= found
    rest = [score for frame, score in enumerate(cut_scores(signals)) if frame not in found]
    assert max(rest) < DEFAULT_THRESHOLDS.cut_score * 0.75


@pytest.mark.parametrize("number", range(7))
def test_each_take_on_the_range_has_its_two_shots(number: int, tools: Tools, tmp_path: Path) -> None:
    takes = sorted(path for path in RANGE.glob("*") if path.suffix in (".wav", ".ogg"))
    if number >= len(takes):
        pytest.skip("the development sound is not at hand")
    sound = tmp_path / "audio.wav"
    run(tools, "-i", takes[number], "-ac", "1", "-ar", "16000", "-c:a", "pcm_s16le", sound)
    signals = read_sound(sound)
    heard = find_sounds(signals, ledger_of([40] * (len(signals.level) // 4)), DEFAULT_THRESHOLDS)
    impulses = [one.seconds for one in heard if one.kind == "impulse"]
    apart = [later - earlier > 1 for earlier, later in pairwise(impulses)]
    assert sum(apart) == 1  # two shots, each with what the mechanism and the ground add
