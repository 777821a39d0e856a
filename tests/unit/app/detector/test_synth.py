"""The generator: repeatable, bounded, and labelled where the sound is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from app.detector.classes import CLASSES
from app.detector.corpus import Clip, Label, Recording
from app.detector.features import RATE
from app.detector.geometry import STEP_SECONDS, step_targets
from app.detector.synth import ambience, blasts, voices
from app.detector.synth.distractors import IMPULSIVE
from app.detector.synth.scene import SECONDS, Palette, draw_scene

SOURCES = (
    blasts.gunshots, blasts.automatic_fire, blasts.explosion, blasts.firework, voices.scream, voices.siren,
    voices.speech, *IMPULSIVE,
)  # fmt: skip


@pytest.mark.parametrize("source", SOURCES, ids=lambda s: s.__name__)
def test_every_source_is_repeatable_finite_and_of_peak_one(source: object) -> None:
    def draw(seed: int) -> np.ndarray:
        made = source(np.random.default_rng(seed))  # type: ignore[operator]
        return made[0] if isinstance(made, tuple) else made

    for seed in range(4):
        wave = draw(seed)
        assert wave.dtype == np.float32
        assert np.isfinite(wave).all()
        assert np.abs(wave).max() == pytest.approx(1.0, abs=1e-5)
        np.testing.assert_array_equal(wave, draw(seed))
    assert not np.array_equal(draw(0)[:1000], draw(1)[:1000])


@pytest.mark.parametrize("bed", ambience.BEDS, ids=lambda b: b.__name__)
def test_every_bed_fills_the_length_asked_for(bed: object) -> None:
    wave = bed(np.random.default_rng(0), 2 * RATE)  # type: ignore[operator]
    assert wave.shape == (2 * RATE,)
    assert np.isfinite(wave).all()


def test_each_labelled_shot_has_its_energy_at_its_onset() -> None:
    for seed in range(12):
        wave, onsets = blasts.gunshots(np.random.default_rng(seed))
        for onset in onsets[1:]:
            at = round(onset * RATE)
            before, after = wave[at - 800 : at - 80], wave[at : at + 2400]
            assert np.abs(after).max() > np.abs(before).max()


def test_scene_depends_on_its_seed_alone_and_labels_lie_inside() -> None:
    names: set[str] = set()
    for seed in range(25):
        scene = draw_scene(np.random.default_rng(seed), Palette())
        assert scene.samples.shape == (int(SECONDS * RATE),)
        assert np.abs(scene.samples).max() <= 1.0
        assert all(0 <= label.onset < label.end <= SECONDS + 0.2 for label in scene.labels)
        names |= {label.name for label in scene.labels}
    assert names == set(CLASSES)
    again = draw_scene(np.random.default_rng(24), Palette())
    np.testing.assert_array_equal(again.samples, scene.samples)
    assert draw_scene(np.random.default_rng(3), Palette(), events=False).labels == ()


def test_real_clips_keep_their_labels_when_played_at_another_speed() -> None:
    pulse = np.zeros(RATE, np.float32)
    pulse[RATE // 2] = 1.0
    recording = Recording("a", "", "CC0", "x", "", "train", "event", (Label("explosion", 0.5, 0.6),))
    palette = Palette.of([Clip(recording, pulse)])
    assert list(palette.targets) == ["explosion"]
    scenes = [draw_scene(np.random.default_rng(i), palette) for i in range(30)]
    spans = [label.end - label.onset for s in scenes for label in s.labels if label.name == "explosion"]
    assert any(0.1 / 1.16 < span < 0.1 / 0.84 for span in spans)


def test_targets_mark_every_step_that_a_label_touches() -> None:
    targets = step_targets([Label("siren", 0.05, 0.13), Label("gunshot", 0.2, 0.2001)], 8)
    assert np.flatnonzero(targets[:, CLASSES.index("siren")]).tolist() == [1, 2, 3]
    assert np.flatnonzero(targets[:, 0]).tolist() == [round(0.2 / STEP_SECONDS)]


def test_importing_the_generator_loads_no_torch(tmp_path: Path) -> None:
    import subprocess
    import sys

    code = "import sys, app.detector.detect, app.detector.synth.scene; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[4]).returncode == 0
