"""Findings as one value, and as a file that reads back as it was."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ingest.errors import MachineFault
from ingest.intervals import Span, frames_during, merged, runs
from ingest.signals.findings import SIGNALS_NAME, Findings, analyse
from ingest.signals.pictures import PIXELS, PictureSignals, read_pictures
from ingest.signals.sound import SoundSignals
from ingest.signals.thresholds import Thresholds
from tests.factories.material import ledger_of


@pytest.fixture
def pictures(tmp_path: Path) -> PictureSignals:
    grey = np.random.default_rng(2).integers(0, 255, (60, PIXELS), dtype=np.uint8)
    grey[20:45] = 0
    (tmp_path / "gray.raw").write_bytes(grey.tobytes())
    return read_pictures(tmp_path / "gray.raw")


def shot() -> SoundSignals:
    level = np.full(600, -60.0, dtype=np.float32)
    level[300:310] = -5
    return SoundSignals(np.zeros(600, dtype=np.int16), level, np.zeros(600, dtype=np.float32))


def test_a_file_reads_back_as_it_was(tmp_path: Path, pictures: PictureSignals) -> None:
    ledger = ledger_of([100] * 20 + [2500] + [100] * 39)
    found = analyse(ledger, pictures, shot(), Thresholds(cut_score=9), speech=(Span(1, 4),))
    assert found.black == (Span(20, 45),)
    assert found.frozen == (Span(20, 45),)
    assert found.sounds[0].frame == 20  # three seconds in, while one frame stands
    assert found.curves.light[3] is None
    assert len(found.curves.light) == 9
    assert found.curves.level == (-60, -60, -60, -5, -60, -60)
    (tmp_path / SIGNALS_NAME).write_text(found.to_json())
    assert Findings.read(tmp_path) == found
    (tmp_path / SIGNALS_NAME).write_text(replace(found, speech=None).to_json())
    again = Findings.read(tmp_path)
    assert again is not None
    assert again.speech is None


def test_what_was_not_measured_is_said(tmp_path: Path, pictures: PictureSignals) -> None:
    ledger = ledger_of([40] * 60)
    mute = analyse(ledger, pictures, None)
    assert (mute.pictures, mute.sound, mute.silence, mute.curves.level) == (True, False, (), ())
    assert analyse(ledger, None, None) == Findings(60, False, False)
    assert Findings.read(tmp_path) is None


def test_pictures_and_ledger_must_agree(pictures: PictureSignals) -> None:
    with pytest.raises(MachineFault, match="60 grey pictures for 61 frames"):
        analyse(ledger_of([40] * 61), pictures, None)


def test_another_version_is_refused() -> None:
    with pytest.raises(ValueError, match="version 9"):
        Findings.from_json('{"version": 9}')


def test_seconds_become_the_frames_on_show() -> None:
    ledger = ledger_of([100, 100, 1000, 100])
    assert frames_during(ledger, ledger.time_of(1), ledger.time_of(2)) == Span(1, 2)
    assert frames_during(ledger, ledger.time_of(2) * 2, ledger.time_of(2) * 3) == Span(2, 3)
    assert frames_during(ledger, ledger.time_of(4) + 5, ledger.time_of(4) + 6) == Span(3, 4)


def test_runs_and_merging() -> None:
    assert runs(np.array([True, True, False, True])) == [(0, 2), (3, 4)]
    assert runs(np.zeros(0, dtype=np.bool_)) == []
    assert merged([(5, 7), (0, 2), (2, 3)]) == [(0, 3), (5, 7)]
    assert merged([(0, 2), (2, 3)], gap=-1) == [(0, 2), (2, 3)]
    assert merged([(0, 2), (4, 5)], gap=2) == [(0, 5)]
