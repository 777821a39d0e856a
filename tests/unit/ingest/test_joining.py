"""Parts joined: every picture is the parts', in order, each at its time, and the sound beside it."""

from __future__ import annotations

import json
import wave
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.__main__ import main
from ingest.errors import FileRejected
from ingest.ffmpeg import find_tools
from ingest.frames import Ledger
from ingest.joining import Part, join
from ingest.pipeline import ingest
from ingest.probe import probe
from ingest.profiles import DEFAULT_LIMITS
from ingest.workspace import open_workspace
from tests.media import gpmf, synthetic
from tests.media.matrix import Case
from tests.media.matrix_clips import TONE_AT, make


def joined(folder: Path, parts: list[Path]) -> tuple[Path, tuple[Part, ...]]:
    target = folder / "joined.mov"
    return target, join(parts, target, tools=find_tools(), limits=DEFAULT_LIMITS)


def make_parts(folder: Path, names: list[str], lengths: list[float], **how: object) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    return [
        synthetic.plain(folder / name, seconds=seconds, extra=(*how.get("extra", ()), "-vf", f"hue=h={50 * n}"), **{  # type: ignore[arg-type, misc]
            key: value for key, value in how.items() if key != "extra"
        })
        for n, (name, seconds) in enumerate(zip(names, lengths, strict=True))
    ]  # fmt: skip


H264 = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-bf", "2", "-c:a", "aac")
FORMS: list[tuple[str, dict[str, object]]] = [
    ("mp4", {"rate": "30000/1001", "codec": H264}),
    ("mp4", {"rate": "30000/1001", "codec": H264, "extra": ("-video_track_timescale", "90000")}),
    ("ts", {"rate": "30000/1001", "codec": H264}),
    ("mov", {"rate": "60", "codec": ("-c:v", "mpeg4", "-bf", "2", "-c:a", "pcm_s16le")}),
    ("mkv", {"rate": "25", "channels": 0, "codec": H264[:-2]}),
    ("avi", {"rate": "30000/1001"}),
]


@pytest.mark.parametrize(("suffix", "how"), FORMS, ids=[f"{n}-{form[0]}" for n, form in enumerate(FORMS)])
def test_joined_pictures_are_the_parts_in_order_each_at_its_time(
    tmp_path: Path, suffix: str, how: dict[str, object]
) -> None:
    parts = make_parts(tmp_path / "parts", [f"x_{n}.{suffix}" for n in (1, 2, 3)], [0.5, 0.9, 0.4], **how)
    target, found = joined(tmp_path, parts[::-1])
    hold_to_parts(target, parts, found)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["joined.mov", "parts"]


def hold_to_parts(target: Path, parts: list[Path], found: tuple[Part, ...]) -> None:
    """Decode everything anew, by other means than the library's, and compare frame by frame."""
    whole = synthetic.decoded(target)
    base = synthetic.time_base(target)
    start, end = Fraction(0), 0
    for path, part in zip(parts, found, strict=True):
        own = synthetic.decoded(path)
        own_base = synthetic.time_base(path)
        assert (part.name, part.start_frame, part.end_frame) == (path.name, end, end + len(own))
        mine = whole[part.start_frame : part.end_frame]
        assert [frame.digest for frame in mine] == [frame.digest for frame in own]
        times = [(frame.pts - whole[0].pts) * base for frame in mine]
        assert times == [start + (frame.pts - own[0].pts) * own_base for frame in own]
        end = part.end_frame
        start = times[-1] + own[-1].duration * own_base  # the next begins where the last frame ends
    assert len(whole) == end


@settings(max_examples=3, deadline=None)
@given(
    st.lists(st.integers(2, 20), min_size=2, max_size=4), st.sampled_from([30_000, 48_000, 90_000, 1_000_003])
)
def test_no_split_and_no_time_base_moves_a_frame(
    tmp_path_factory: pytest.TempPathFactory, frames: list[int], scale: int
) -> None:
    folder = tmp_path_factory.mktemp("split")
    names = [f"GX{n + 1:02}0007.MP4" for n in range(len(frames))]
    extra = ("-video_track_timescale", str(scale))
    lengths = [(n - 0.5) * 1001 / 30_000 for n in frames]
    parts = make_parts(
        folder / "parts", names, lengths, rate="30000/1001", channels=0, codec=H264[:-2], extra=extra
    )
    target, found = joined(folder, parts)
    hold_to_parts(target, parts, found)


def test_a_part_that_is_no_recording_is_named(tmp_path: Path) -> None:
    first = synthetic.plain(tmp_path / "x_1.mp4", seconds=0.4)
    (tmp_path / "x_2.mp4").write_text("ffconcat version 1.0\nfile x_1.mp4\n")
    with pytest.raises(FileRejected) as caught:
        joined(tmp_path, [first, tmp_path / "x_2.mp4"])
    assert (caught.value.reason_code, caught.value.message[:8]) == ("not_media", "x_2.mp4:")
    assert not (tmp_path / "joined.mov").exists()


def test_codecs_that_cannot_be_joined_are_refused(tmp_path: Path) -> None:
    parts = make_parts(tmp_path / "parts", ["x_1.webm", "x_2.webm"], [0.4, 0.4], channels=0)
    with pytest.raises(FileRejected, match="vp8 cannot be joined"):
        joined(tmp_path, parts)


def test_tracks_that_the_joined_file_cannot_hold_are_refused_in_plain_words(tmp_path: Path) -> None:
    coding = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "libopus")
    parts = make_parts(tmp_path / "parts", ["x_1.mkv", "x_2.mkv"], [0.4, 0.4], codec=coding)
    with pytest.raises(FileRejected) as caught:
        joined(tmp_path, parts)
    assert caught.value.message == (
        "The parts cannot be joined without change: a QuickTime file cannot hold their tracks. "
        "Ingest them one by one."
    )


def test_the_command_joins_ingests_and_says_whose_frames_are_whose(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    payloads = [[gpmf.device(gpmf.gps5(51.5, -0.1, f"24050607080{n}.000"))] for n in (2, 3)]
    parts = [
        gpmf.recording(tmp_path / name, payload, b"", "-timecode", "10:00:00:00")
        for name, payload in zip(("GX010001.MP4", "GX020001.MP4"), payloads, strict=True)
    ]
    out = tmp_path / "out"
    assert main([str(parts[1]), str(parts[0]), "--out", str(out)]) == 0, capsys.readouterr().err
    told = json.loads((out / "parts.json").read_text())
    assert [(p["name"], p["start_frame"], p["end_frame"]) for p in told["parts"]] == [
        ("GX010001.MP4", 0, 25), ("GX020001.MP4", 25, 50),
    ]  # fmt: skip
    assert Ledger.read(out / "ledger.parquet").frame_count == 50
    telemetry = json.loads((out / "telemetry.json").read_text())
    assert [fix["t"] for fix in telemetry["fixes"]] == [0, 1]
    assert telemetry["time_code"] == "10:00:00:00"
    assert main([str(parts[0]), str(tmp_path / "gone.mp4"), "--out", str(out)]) == 2


@pytest.mark.parametrize(("container", "codec"), [("mp4", "h264-b"), ("ts", "h264")])
def test_sound_stays_beside_its_pictures_across_a_joint(tmp_path: Path, container: str, codec: str) -> None:
    """Each part is 1.6 s with a tone at 0.5 s; the sound of a part is a little longer than its pictures."""
    parts = []
    for number in (1, 2, 3):
        place = tmp_path / str(number)
        place.mkdir()
        parts.append(make(Case(container, codec), place).rename(tmp_path / f"x_{number}.{container}"))
    target, _ = joined(tmp_path, parts)
    ingest(target, tmp_path / "out")
    with wave.open(str(tmp_path / "out" / "audio.wav")) as sound:
        samples = np.abs(np.frombuffer(sound.readframes(sound.getnframes()), dtype="<i2").astype(np.float64))
    for number in range(3):
        start = round(1.6 * number * 16_000)
        heard = np.argmax(samples[start : start + 25_600] > samples.max() / 3) / 16_000
        assert heard == pytest.approx(TONE_AT, abs=0.06)


def test_how_a_camera_was_held_comes_along(tmp_path: Path) -> None:
    parts = []
    for number in (1, 2):
        place = tmp_path / str(number)
        place.mkdir()
        parts.append(
            make(Case("mp4", "h264", "25", "none", "90"), place).rename(tmp_path / f"x_{number}.mp4")
        )
    target, _ = joined(tmp_path, parts)
    with open_workspace(target, tmp_path / "work", find_tools(), DEFAULT_LIMITS) as workspace:
        assert probe(workspace).video.rotation == 270
