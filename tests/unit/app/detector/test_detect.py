"""`detect` on real containers, the timeline, and the command around them."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from app.detector.commands import detect as detect_command
from app.detector.commands import detector
from app.detector.detect import NO_AUDIO, SILENT, detect
from app.detector.errors import Unreadable
from app.detector.features import RATE
from app.detector.plot import plot

Video = Callable[[str, np.ndarray | None], Path]


def test_a_video_with_shots_gives_alarms_at_their_times(make_video: Video, shots: np.ndarray) -> None:
    found = detect(make_video("range.mp4", shots))
    assert found.duration == pytest.approx(8.0, abs=0.1)
    assert found.findings == ()
    onsets = [e.onset for e in found.alarms if e.name in ("gunshot", "automatic_fire")]
    assert any(abs(o - 2) < 0.2 for o in onsets)
    assert any(abs(o - 5) < 0.2 for o in onsets)
    assert all(e.available_at > e.onset for e in found.events)


def test_detections_json_has_what_is_promised(make_video: Video, shots: np.ndarray) -> None:
    result = detect(make_video("range.mp4", shots)).to_dict()
    json.dumps(result)
    assert result["format"] == 1
    assert len(result["model"]["sha256"]) == 64
    assert result["alarms"] == sum(e["alarm"] for e in result["events"]) > 0
    assert set(result["events"][0]) == {
        "class", "onset", "end", "peak", "available_at", "threshold", "alarm",
    }  # fmt: skip


def test_a_video_without_sound_is_a_finding(make_video: Video, tmp_path: Path) -> None:
    found = detect(make_video("mute.mp4", None))
    assert found.findings == (NO_AUDIO,)
    assert found.events == ()
    plot(found, tmp_path / "mute.png")
    assert (tmp_path / "mute.png").stat().st_size > 5000


def test_digital_silence_is_a_finding(make_video: Video) -> None:
    found = detect(make_video("silent.mp4", np.zeros(2 * RATE, np.float32)))
    assert found.findings == (SILENT,)
    assert found.alarms == ()


@pytest.mark.parametrize("content", [b"", b"just text, named .mp4\n", b"\x00" * 5000])
def test_what_is_no_media_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "x.mp4").write_bytes(content)
    with pytest.raises(Unreadable, match=r"^x\.mp4: "):
        detect(tmp_path / "x.mp4")


def test_a_threshold_replaces_the_models(make_video: Video, shots: np.ndarray) -> None:
    video = make_video("range.mp4", shots)
    strict, loose = detect(video, threshold=1.0), detect(video, threshold=0.01)
    assert strict.events == ()
    assert set(loose.thresholds.values()) == {0.01}
    assert len(loose.events) > 0


def test_command_writes_json_and_a_legible_plot(make_video: Video, shots: np.ndarray, tmp_path: Path) -> None:
    video = make_video("range.mp4", shots)
    png, out = tmp_path / "t.png", tmp_path / "d.json"
    result = CliRunner().invoke(detect_command, [str(video), "--json", str(out), "--plot", str(png)])
    assert result.exit_code == 0, result.output
    assert "ALARM" in result.output
    assert json.loads(out.read_text())["file"] == "range.mp4"
    with Image.open(png) as picture:
        assert picture.width >= 1200
        assert len(np.unique(np.asarray(picture.convert("RGB")).reshape(-1, 3), axis=0)) > 20


def test_json_to_the_terminal_is_json_alone(make_video: Video) -> None:
    result = CliRunner().invoke(detect_command, [str(make_video("mute.mp4", None)), "--json", "-"])
    assert json.loads(result.stdout)["findings"] == [NO_AUDIO]


def test_errors_are_one_line_with_their_status(tmp_path: Path) -> None:
    (tmp_path / "x.mp4").write_bytes(b"text")
    failed = CliRunner().invoke(detect_command, [str(tmp_path / "x.mp4")])
    assert failed.exit_code == 1
    assert len(failed.output.strip().splitlines()) == 1
    assert CliRunner().invoke(detect_command, [str(tmp_path / "none.mp4")]).exit_code == 2
    assert CliRunner().invoke(detect_command, [str(tmp_path / "x.mp4"), "--threshold", "7"]).exit_code == 2


@pytest.mark.parametrize("name", ["train", "evaluate", "export"])
def test_help_has_an_example(name: str) -> None:
    result = CliRunner().invoke(detector, [name, "--help"])
    assert result.exit_code == 0
    assert f"Example: cordon detector {name}" in result.output


def test_without_torch_training_says_how_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    result = CliRunner().invoke(detector, ["train", "--out", str(tmp_path / "out")])
    assert result.exit_code == 1
    assert len(result.output.strip().splitlines()) == 1
    assert "CPU build" in result.output
