"""The whole of ingest over the forms that cameras write, and its promises: same bytes, nothing left behind."""

from __future__ import annotations

import hashlib
import wave
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from ingest.errors import Cancelled, MachineFault
from ingest.ffmpeg import Tools
from ingest.frames import Ledger
from ingest.packets import Packets
from ingest.pipeline import Progress, ingest
from ingest.plan import make_plan
from ingest.profiles import Profile
from ingest.report import Report
from ingest.sample import SampleFacts, frame_time
from ingest.sound import code_sound
from ingest.workspace import Workspace
from tests.factories.material import SHORT_CLIPS
from tests.media import synthetic

# name, maker, frames, duration in seconds, master's size
FORMS: list[tuple[str, Callable[[Path], Path], int, float, tuple[int, int]]] = [
    ("mono.mp4", lambda p: synthetic.plain(p, channels=1), 50, 2.0, (160, 120)),
    ("silent.mp4", lambda p: synthetic.plain(p, channels=0), 50, 2.0, (160, 120)),
    ("slow.mov", lambda p: synthetic.plain(p, rate="10"), 20, 2.0, (160, 120)),
    ("slower.mp4", lambda p: synthetic.plain(p, rate="25/2"), 25, 2.0, (160, 120)),
    ("ntsc.ts", lambda p: synthetic.plain(p, rate="30000/1001"), 60, 2.002, (160, 120)),
    ("odd.mkv", synthetic.odd_size, 50, 2.0, (160, 120)),
    ("motion-jpeg.avi", synthetic.plain, 50, 2.0, (160, 120)),
    ("vp8.webm", synthetic.plain, 50, 2.0, (160, 120)),
    ("uneven.mp4", synthetic.variable_rate, 50, 3.012, (160, 120)),
    ("upright.mp4", lambda p: synthetic.rotated(p, 90), 25, 1.0, (90, 160)),
]


@pytest.mark.parametrize(
    ("name", "make", "frames", "seconds", "size"), FORMS, ids=[form[0] for form in FORMS]
)
def test_every_form_keeps_its_frames_and_their_times(
    tmp_path: Path,
    packets_of: Callable[[Path], Packets],
    name: str,
    make: Callable[[Path], Path],
    frames: int,
    seconds: float,
    size: tuple[int, int],
) -> None:
    source, out = make(tmp_path / name), tmp_path / "out"
    report = ingest(source, out)
    ledger = Ledger.read(out / "ledger.parquet")
    assert report.source.frame_count == ledger.frame_count == frames
    assert report.source.duration == pytest.approx(seconds, abs=0.002)
    original = packets_of(source)
    # the ledger's stamps are the container's own, tick for tick
    assert (ledger.time_base, ledger.pts.tolist()) == (original.time_base, original.pts.tolist())
    for rendition in ("master.mp4", "proxy.mp4"):
        made = packets_of(out / rendition)
        assert [int(p) * made.time_base for p in made.pts] == [ledger.time_of(n) for n in range(frames)]
    master = report.rendition("master")
    assert master is not None
    assert (master.width, master.height) == size
    assert [(c.start_frame, c.end_frame) for c in report.clips] == [(0, frames)]
    assert (report.rendition("pcm") is None) == (name == "silent.mp4")
    assert report.source.variable_rate == (name == "uneven.mp4")


def test_two_runs_give_the_same_bytes(
    derived: tuple[Path, Report], exercise: tuple[Path, SampleFacts], tmp_path: Path
) -> None:
    out, _ = derived
    ingest(exercise[0], tmp_path, profile=SHORT_CLIPS)
    names = sorted(str(p.relative_to(out)) for p in out.rglob("*") if p.is_file())
    assert names == sorted(str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if p.is_file())
    assert {"master.mp4", "proxy.mp4", "ledger.parquet", "clips/0000.mp4", "report.json"} < set(names)
    for name in names:
        assert (out / name).read_bytes() == (tmp_path / name).read_bytes(), name


def test_the_exercise_keeps_its_uneven_times_and_its_shots(
    derived: tuple[Path, Report], exercise: tuple[Path, SampleFacts]
) -> None:
    out, _ = derived
    facts = exercise[1]
    ledger = Ledger.read(out / "ledger.parquet")
    assert ledger.frame_count == facts.frames
    assert [float(ledger.time_of(n)) for n in range(facts.frames)] == pytest.approx(
        [frame_time(n) for n in range(facts.frames)], abs=1e-9
    )
    with wave.open(str(out / "audio.wav")) as pcm:
        assert (pcm.getframerate(), pcm.getnchannels(), pcm.getsampwidth()) == (16_000, 1, 2)
        samples = np.frombuffer(pcm.readframes(pcm.getnframes()), dtype="<i2").astype(np.float64)
    for onset in facts.shots:
        before = np.abs(samples[int((onset - 0.02) * 16_000) : int((onset - 0.003) * 16_000)]).max()
        after = np.abs(samples[int((onset - 0.003) * 16_000) : int((onset + 0.02) * 16_000)]).max()
        assert after > 3 * before


@pytest.mark.parametrize("shift", [0.5, -0.5])
def test_sound_keeps_its_place_beside_the_pictures(tmp_path: Path, shift: float) -> None:
    source = synthetic.sound_shifted(tmp_path / "shifted.mkv", shift)
    ingest(source, tmp_path / "out")
    with wave.open(str(tmp_path / "out" / "audio.wav")) as pcm:
        samples = np.frombuffer(pcm.readframes(pcm.getnframes()), dtype="<i2")
    if shift > 0:  # what is missing at the start is silence
        assert np.abs(samples[:7800]).max() < 50
        assert np.abs(samples[8400:9000]).max() > 1000
    # and so is what is missing at the end
    assert len(samples) / 16_000 == pytest.approx(max(2, 2 + shift), abs=0.05)


def test_sound_that_changes_its_layout_keeps_its_place(tmp_path: Path) -> None:
    ingest(synthetic.sound_of_changing_layout(tmp_path / "two.ts"), tmp_path / "out")
    ledger = Ledger.read(tmp_path / "out" / "ledger.parquet")
    assert ledger.frame_count == 100
    with wave.open(str(tmp_path / "out" / "audio.wav")) as pcm:
        level = np.abs(np.frombuffer(pcm.readframes(pcm.getnframes()), dtype="<i2"))
    loud = np.flatnonzero(level > 3000) / 16_000
    second = float(ledger.time_of(50)) + 1
    assert loud[0] == pytest.approx(1, abs=0.03)
    assert loud[loud > 1.5][0] == pytest.approx(second, abs=0.03)
    assert loud[-1] == pytest.approx(second + 0.2, abs=0.03)


def test_a_stream_joined_at_its_middle_starts_at_its_first_whole_picture(tmp_path: Path) -> None:
    whole = synthetic.plain(tmp_path / "whole.ts", extra=("-g", "10", "-bf", "0"))
    late = tmp_path / "late.ts"
    late.write_bytes(whole.read_bytes()[188 * 60 :])
    report = ingest(late, tmp_path / "out")
    ledger = Ledger.read(tmp_path / "out" / "ledger.parquet")
    assert report.source.frame_count == 40
    assert ledger.key[0]
    assert ledger.time_of(1) - ledger.time_of(0) == Fraction(1, 25)
    assert report.findings[-1] == "7 pictures could not be decoded."


def test_sound_is_put_right_when_the_first_picture_is_not_where_it_was_said_to_be(
    tmp_path: Path, open_on: Callable[[Path], Workspace]
) -> None:
    source = synthetic.sound_shifted(tmp_path / "shifted.mkv", 0.5)
    sounds = []
    for wrong in (0, -400):
        workspace = open_on(source)
        plan = make_plan(workspace, Profile())
        video = replace(plan.source.video, first_pts=plan.source.video.first_pts + wrong)
        code_sound(workspace, replace(plan, source=replace(plan.source, video=video)), Profile())
        sounds.append((workspace.path / "audio.wav").read_bytes())
    assert sounds[0] == sounds[1]


def test_sound_longer_than_the_pictures_costs_no_rendition(tmp_path: Path) -> None:
    source = synthetic.sound_longer(tmp_path / "long.mkv", 30)
    report = ingest(source, tmp_path / "out")
    assert len(report.renditions) >= 13
    assert report.rendition("pcm") is not None
    assert report.source.duration == pytest.approx(1.0, abs=0.05)


def test_progress_rises_to_one(tmp_path: Path) -> None:
    seen: list[Progress] = []
    ingest(synthetic.plain(tmp_path / "a.mp4", seconds=0.5), tmp_path / "out", on_progress=seen.append)
    fractions = [p.fraction for p in seen]
    assert fractions == sorted(fractions)
    assert (fractions[0], seen[-1].stage) == (0.0, "finish")
    assert all(0 <= f <= 1 for f in fractions)


@pytest.mark.parametrize("after", [0, 1, 2, 4])
def test_stopping_leaves_what_was_there(tmp_path: Path, after: int) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "report.json").write_text("earlier")
    answers = iter([False] * after)
    with pytest.raises(Cancelled):
        ingest(synthetic.plain(tmp_path / "a.mp4"), out, should_stop=lambda: next(answers, True))
    assert [p.name for p in out.iterdir()] == ["report.json"]
    assert (out / "report.json").read_text() == "earlier"


def test_a_second_run_replaces_the_first(tmp_path: Path) -> None:
    ingest(synthetic.plain(tmp_path / "loud.mp4", seconds=0.5), tmp_path / "out")
    report = ingest(synthetic.plain(tmp_path / "mute.mp4", seconds=0.5, channels=0), tmp_path / "out")
    assert not (tmp_path / "out" / "audio.wav").exists()
    assert Report.read(tmp_path / "out") == report


def test_the_report_tells_true_sizes_and_digests(derived: tuple[Path, Report]) -> None:
    out, report = derived
    for made in (*report.renditions, *report.clips):
        data = (out / made.path).read_bytes()
        assert (made.size, made.sha256) == (len(data), hashlib.sha256(data).hexdigest())
        assert made.md5 == hashlib.md5(data).hexdigest()
        assert report.recipes[made.recipe].command[-1] != ""
    assert {r.kind for r in report.renditions} == {
        "master", "proxy", "stream", "playlist", "storyboard", "storyboard_index", "poster", "samples", "signals",
        "fingerprint",
        "waveform", "pcm", "ledger", "telemetry",
    }  # fmt: skip
    assert str(out) not in report.to_json()


def test_a_full_disk_or_missing_tool_is_the_machines_fault(tmp_path: Path) -> None:
    source = synthetic.plain(tmp_path / "a.mp4", seconds=0.2)
    with pytest.raises(MachineFault):
        ingest(source, tmp_path / "out", tools=Tools(tmp_path / "none", tmp_path / "none"))
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    with pytest.raises(MachineFault):
        ingest(source, blocked / "out")
    assert not list((tmp_path / "out").iterdir())


def test_a_sound_track_that_holds_nothing_is_left_out_and_said(tmp_path: Path) -> None:
    report = ingest(synthetic.sound_empty(tmp_path / "mute.mkv"), tmp_path / "out")
    assert report.source.audio_codec is None
    assert "The sound track holds nothing that can be decoded and is left out." in report.findings
    assert "pcm" not in {one.kind for one in report.renditions}


def test_sound_that_ends_before_the_first_picture_leaves_silence(tmp_path: Path) -> None:
    out = tmp_path / "out"
    report = ingest(synthetic.sound_shifted(tmp_path / "early.mkv", -5), out)
    assert report.source.frame_count == 50
    with wave.open(str(out / "audio.wav")) as sound:
        pcm = sound.readframes(sound.getnframes())
    assert len(pcm) >= 2 * 16_000 // 10
    assert not any(pcm)
