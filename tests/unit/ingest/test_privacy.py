"""House rule: nothing that names a person, a place or a device, or the encoder, is in anything derived."""

from __future__ import annotations

import ast
import json
import subprocess
from pathlib import Path

import pytest

import ingest as library
from ingest.ffmpeg import Tools
from ingest.pipeline import ingest
from ingest.report import Report
from tests.media import gpmf, synthetic

SECRETS = (b"51.5007", b"PC 1234", b"serial 42", b"2024-05-06", b"\xa9xyz", b"tmcd", b"gpmd")
ENCODER = (b"x264", b"Lavc", b"Lavf", b"options: ")


@pytest.fixture(scope="module")
def stripped(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Report]:
    folder = tmp_path_factory.mktemp("private")
    source = synthetic.with_personal_metadata(folder / "personal.mp4")
    data = source.read_bytes()
    assert all(secret in data for secret in (b"51.5007", b"PC 1234", b"serial 42", b"tmcd", b"x264"))
    return folder / "out", ingest(source, folder / "out")


def test_no_trace_in_any_file(stripped: tuple[Path, Report]) -> None:
    out, _ = stripped
    files = [p for p in out.rglob("*") if p.is_file() and p.name != "telemetry.json"]
    assert len(files) >= 9
    for path in files:
        data = path.read_bytes()
        said = (b"tmcd",) if path.name == "report.json" else ()  # that there was a track, not what it held
        assert not [s for s in SECRETS if s in data and s not in said], path.name
        if path.name == "report.json":
            continue
        assert not [s for s in ENCODER if s in data], path.name


def test_telemetry_holds_what_was_stripped(stripped: tuple[Path, Report]) -> None:
    out, report = stripped
    told = (out / "telemetry.json").read_bytes()
    assert all(secret in told for secret in (b"51.5007", b"PC 1234", b"serial 42", b"2024-05-06"))
    assert report.rendition("telemetry") is not None


def test_a_cameras_own_track_leaves_no_trace(tmp_path: Path) -> None:
    words = (b"Test Camera 1", b"HERO Test", b"C0001", b"DEVC", b"GPS5", b"ACCL", b"GoPro MET")
    payload = gpmf.device(gpmf.gps5(51.5, -0.1, "240506070802.000"), gpmf.acceleration((0, 0, 981)))
    source = gpmf.recording(tmp_path / "a.mp4", [payload], gpmf.settings("HERO Test", "C0001"))
    assert all(word in source.read_bytes() for word in words)
    report = ingest(source, tmp_path / "out")
    assert "gpmd" in report.source.telemetry
    for path in (tmp_path / "out").rglob("*"):
        if path.is_file() and path.name != "telemetry.json":
            assert not [word for word in words if word in path.read_bytes()], path.name


def test_videos_hold_only_pictures_and_sound_and_say_no_time(
    stripped: tuple[Path, Report], tools: Tools
) -> None:
    out, report = stripped
    for name in ("master.mp4", "proxy.mp4", report.clips[0].path):
        argv = [tools.ffprobe, "-v", "error", "-of", "json", "-show_format", "-show_streams", out / name]
        shown = json.loads(subprocess.run(argv, capture_output=True, check=True, timeout=30).stdout)
        assert [s["codec_type"] for s in shown["streams"]] == ["video", "audio"]
        assert "creation_time" not in json.dumps(shown)
        assert set(shown["format"].get("tags", {})) <= {"major_brand", "minor_version", "compatible_brands"}
        for stream in shown["streams"]:
            assert set(stream.get("tags", {})) <= {"language", "handler_name"}
            assert stream.get("tags", {}).get("handler_name") in ("VideoHandler", "SoundHandler")


def test_what_was_left_out_is_said(stripped: tuple[Path, Report]) -> None:
    _, report = stripped
    assert report.source.telemetry == ("tmcd",)
    assert "Data tracks were left out: tmcd." in report.findings


def test_master_has_no_sei_and_is_ready_to_stream(stripped: tuple[Path, Report], tools: Tools) -> None:
    out, _ = stripped
    argv = [tools.ffmpeg, "-v", "debug", "-i", out / "master.mp4", "-c", "copy", "-bsf:v", "trace_headers"]
    log = subprocess.run(
        [*argv, "-f", "null", "-"], capture_output=True, text=True, check=True, timeout=30
    ).stderr
    assert "Slice Header" in log
    assert "Supplemental Enhancement Information" not in log
    data = (out / "master.mp4").read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")


def test_only_two_modules_start_processes_and_none_knows_the_server() -> None:
    banned = {"app", "flask", "sqlalchemy", "marshmallow", "boto3"}
    starters = set()
    for path in Path(library.__path__[0]).glob("*.py"):
        tree = ast.parse(path.read_text())
        names = {a.name.split(".")[0] for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
        names |= {(n.module or "").split(".")[0] for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
        assert not names & banned, path.name
        calls = {n.attr for n in ast.walk(tree) if isinstance(n, ast.Attribute)}
        if "subprocess" in names or calls & {"execv", "fork", "posix_spawn", "system", "popen"}:
            starters.add(path.name)
    assert starters == {"ffmpeg.py", "sandbox.py"}
