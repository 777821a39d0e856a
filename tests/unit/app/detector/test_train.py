"""Training on a small scale: repeatable, and exported without a change of its outputs. Skipped without torch."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip(
    "torch", reason="torch is an extra for training only: pip install 'cordon[train]'"
)
pytest.importorskip("onnx", reason="onnx is an extra for training only: pip install 'cordon[train]'")

from click.testing import CliRunner  # noqa: E402

from app.detector.calibrate import Calibration  # noqa: E402
from app.detector.classes import CLASSES  # noqa: E402
from app.detector.commands import detector  # noqa: E402
from app.detector.dataset import draw_scenes  # noqa: E402
from app.detector.export import to_onnx  # noqa: E402
from app.detector.model import Scratch, parameter_count  # noqa: E402
from app.detector.runtime import Model  # noqa: E402
from app.detector.synth.scene import Palette  # noqa: E402
from app.detector.train import Plan, fit  # noqa: E402

PLAN = Plan(seed=5, scenes=8, epochs=2, batch=4)


def test_the_trunk_has_about_fifty_thousand_parameters() -> None:
    assert 45_000 <= parameter_count(Scratch()) <= 60_000


def test_training_is_repeatable_and_lowers_the_loss() -> None:
    torch.set_num_threads(1)
    data = draw_scenes((5, 0), PLAN.scenes, Palette())
    model, losses = fit(data, PLAN, lambda line: None)
    again, _ = fit(data, PLAN, lambda line: None)
    assert losses[-1] < losses[0]
    for name, value in model.state_dict().items():
        assert torch.equal(value, again.state_dict()[name]), name


def test_onnx_gives_what_torch_gives_block_by_block() -> None:
    torch.manual_seed(0)
    trunk = Scratch().train()
    mel = torch.from_numpy(draw_scenes((5, 1), 2, Palette()).mel)
    trunk(mel)  # moves the running statistics away from 0 and 1, so that folding them is tested
    trunk.eval()
    unit = Calibration((1.0,) * 7, (0.0,) * 7, (0.5,) * 7)
    model = Model(to_onnx(trunk, unit, {"command": "none"}))
    expected = torch.sigmoid(trunk(mel[:1])[0]).detach().numpy()[0]
    state, rows = np.zeros((1, 1, model.hidden), np.float32), []
    for start in range(0, mel.shape[1] - 61, 8):
        values, state = model.run(mel[0, start : start + 62].numpy(), state)
        rows.append(values)
    got = np.concatenate(rows)
    np.testing.assert_allclose(got, expected[: len(got)], atol=2e-5)
    assert model.info["training"] == {"command": "none"}
    assert tuple(model.thresholds) == CLASSES


@pytest.mark.slow
def test_train_command_writes_model_checkpoint_and_report_and_export_repeats_the_bytes(
    tmp_path: Path,
) -> None:
    out = tmp_path / "run"
    result = CliRunner().invoke(detector, ["train", "--out", str(out), "--scenes", "16", "--epochs", "1"])
    assert result.exit_code == 0, result.output
    report = json.loads((out / "training.json").read_text())
    assert report["command"] == "cordon detector train --out OUT --seed 1 --scenes 16 --epochs 1"
    assert report["sound"] == "synthetic"
    assert report["recordings"] == []
    assert {"commit", "versions", "plan", "losses"} <= report.keys()
    again = tmp_path / "again.onnx"
    result = CliRunner().invoke(detector, ["export", str(out / "checkpoint.pt"), "--out", str(again)])
    assert result.exit_code == 0, result.output
    assert again.read_bytes() == (out / "model.onnx").read_bytes()
    assert Model.load(again).digest == report["model"]["sha256"]


def test_export_refuses_what_is_no_checkpoint(tmp_path: Path) -> None:
    (tmp_path / "x.pt").write_text("no checkpoint")
    result = CliRunner().invoke(
        detector, ["export", str(tmp_path / "x.pt"), "--out", str(tmp_path / "x.onnx")]
    )
    assert result.exit_code == 1
    assert result.output.strip().endswith("not a checkpoint of 'cordon detector train'")
