"""The shipped card, weights and result file belong together and say what they must."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from app.detector.card import model_card
from app.detector.commands import detector
from app.detector.runtime import Model

ROOT = Path(__file__).parents[4]
WEIGHTS = ROOT / "app/detector/weights"
RESULTS = ROOT / "docs/results/detector-seed.json"
CARD = ROOT / "docs/model-card.md"


def test_the_card_is_what_its_two_files_give() -> None:
    facts, results = json.loads((WEIGHTS / "seed.json").read_text()), json.loads(RESULTS.read_text())
    assert CARD.read_text() == model_card(facts, results)


def test_weights_report_and_results_are_of_one_model_below_a_megabyte(seed_model: Model) -> None:
    data = (WEIGHTS / "seed.onnx").read_bytes()
    facts, results = json.loads((WEIGHTS / "seed.json").read_text()), json.loads(RESULTS.read_text())
    digest = hashlib.sha256(data).hexdigest()
    assert len(data) == facts["model"]["bytes"] < 1_000_000
    assert digest == facts["model"]["sha256"] == results["model_sha256"] == seed_model.digest
    assert seed_model.info["training"]["command"] == facts["command"]


def test_every_recording_that_training_heard_stands_in_the_card_and_none_is_a_test_recording() -> None:
    manifest = json.loads((WEIGHTS / "sound.json").read_text())["files"]
    tested = {r["sha256"] for r in manifest if r["role"] == "test"}
    card = CARD.read_text()
    for recording in json.loads((WEIGHTS / "seed.json").read_text())["recordings"]:
        assert recording["sha256"] in card
        assert recording["licence"] in card
        assert recording["sha256"] not in tested


def test_results_of_another_model_are_refused(tmp_path: Path) -> None:
    other = json.loads(RESULTS.read_text()) | {"model_sha256": "0" * 64}
    with pytest.raises(ValueError, match="different models"):
        model_card(json.loads((WEIGHTS / "seed.json").read_text()), other)
    (tmp_path / "other.json").write_text(json.dumps(other))
    argv = ["card", "--training", str(WEIGHTS / "seed.json"), "--results", str(tmp_path / "other.json")]
    result = CliRunner().invoke(detector, [*argv, "--out", str(tmp_path / "card.md")])
    assert result.exit_code == 1
    assert len(result.output.strip().splitlines()) == 1
