"""The manifest: only open licences, only unaltered files, no author on both sides; and evaluation over it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.detector.corpus import load_clips, load_manifest
from app.detector.errors import BadCorpus
from app.detector.evaluate import measure_real, measure_synthetic
from app.detector.features import RATE
from app.detector.runtime import Model
from app.detector.streams import lay_out

Corpus = Callable[..., Path]


def entry(path: Path, **changes: Any) -> dict[str, Any]:
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    base = {"path": path.name, "sha256": digest, "licence": "CC0", "author": path.stem, "source": "made here",
            "role": "test", "slice": "ambient", "events": []}  # fmt: skip
    return base | changes


@pytest.fixture
def corpus(tmp_path: Path, shots: np.ndarray) -> Corpus:
    import wave

    def write(name: str, samples: np.ndarray) -> Path:
        with wave.open(str(tmp_path / name), "wb") as file:
            file.setparams((1, 2, RATE, 0, "NONE", ""))
            file.writeframes((samples * 32767).astype("<i2").tobytes())
        return tmp_path / name

    def make(**changes: Any) -> Path:
        noise = np.random.default_rng(0).normal(0, 0.05, 8 * RATE).astype(np.float32)
        click = np.zeros(RATE, np.float32)
        click[4000:4040] = 0.9
        gun = [["gunshot", 2.0, 2.2], ["gunshot", 5.0, 5.2]]
        files = [
            entry(write("gun.wav", shots), slice="event", events=gun, **changes),
            entry(write("wind.wav", noise)),
            entry(write("click.wav", click), slice="impulsive"),
        ]
        (tmp_path / "manifest.json").write_text(json.dumps({"files": files}))
        return tmp_path

    return make


def test_clips_are_decoded_in_order_with_peak_one(corpus: Corpus) -> None:
    clips = load_clips(corpus(), ("test",))
    assert [c.recording.path for c in clips] == ["gun.wav", "wind.wav", "click.wav"]
    assert all(np.abs(c.samples).max() == pytest.approx(1.0) for c in clips)
    assert load_clips(corpus(), ("train",)) == []


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"licence": "CC BY-NC 4.0"}, "neither CC0 nor CC BY"),
        ({"licence": "Sampling+"}, "neither CC0 nor CC BY"),
        ({"events": [["dog", 0, 1]]}, "labels must be of"),
        ({"role": "train", "author": "wind"}, "must all have one role"),
        ({"sha256": "0" * 64}, "SHA-256 differs"),
        ({"path": "absent.wav"}, "missing"),
    ],
)
def test_a_manifest_that_does_not_hold_is_refused(
    corpus: Corpus, changes: dict[str, Any], reason: str
) -> None:
    sound = corpus()
    manifest = json.loads((sound / "manifest.json").read_text())
    manifest["files"][0] |= changes
    (sound / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(BadCorpus, match=reason):
        load_clips(sound, ("train", "test"))


def test_a_manifest_that_is_not_json_is_refused(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text("{")
    with pytest.raises(BadCorpus, match="not a manifest"):
        load_manifest(tmp_path)


def test_the_shipped_manifest_keeps_authors_apart_and_licences_open(tmp_path: Path) -> None:
    recordings = load_manifest(tmp_path)
    heard = {r.author for r in recordings if r.role != "test"}
    assert heard.isdisjoint({r.author for r in recordings if r.role == "test"})
    assert len({r.sha256 for r in recordings}) == len(recordings)
    assert not any(r.path.startswith("range-recordings") for r in recordings if r.role != "test")


def test_a_stream_has_the_stated_load_and_its_labels(corpus: Corpus) -> None:
    clips = load_clips(corpus(), ("test",))
    stream = lay_out(clips, seed=3, minutes=5, distractors_per_hour=360, takes=2)
    assert len(stream.samples) == 300 * RATE
    assert len(stream.truths) == 4
    again = lay_out(clips, seed=3, minutes=5, distractors_per_hour=360, takes=2)
    np.testing.assert_array_equal(stream.samples, again.samples)


def test_evaluation_reports_counts_and_intervals(corpus: Corpus, seed_model: Model) -> None:
    result = measure_real(seed_model, corpus(), 1, 5)
    stress = result["streams"]["stress"]
    assert stress["gunfire_events"] == 12
    low, high = stress["event_average_precision"]["interval_95"]
    assert 0 <= low <= stress["event_average_precision"]["value"] <= high <= 1
    assert stress["distractors_per_hour"] == 360
    assert result["clip_auc"]["ambient"]["n"] == 2
    assert "explosion_and_firework" not in result["clip_auc"], "no such recording, so no figure"


def test_synthetic_figures_stand_apart_and_are_repeatable(seed_model: Model) -> None:
    first = measure_synthetic(seed_model, 1, 6)
    assert first == measure_synthetic(seed_model, 1, 6)
    assert first["scenes"] == 6
