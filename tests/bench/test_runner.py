"""The benchmarks' runner: what a row says, what becomes of one that fails or has no peer. No figure is judged here."""

from __future__ import annotations

import hashlib
import json
import time
from pathlib import Path
from typing import Any

import pytest

from tests.bench import __main__ as runner
from tests.bench.rows import Goal, absent, compare

ASKED = {"name", "ours", "peer", "peer_name", "unit", "ratio", "goal", "met", "runs"}


def _hash_once() -> float:
    started = time.perf_counter()
    hashlib.sha256(b"x" * 1_000_000).digest()
    return time.perf_counter() - started


def _measured(goal: Goal) -> dict[str, Any]:
    pairs = [(_hash_once(), _hash_once()) for _ in range(3)]
    ours, peer = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    return compare("sha256", "s", ours, peer, peer_name="itself", goal=goal, data="1 MB")


def test_a_row_holds_what_was_promised() -> None:
    row = _measured(Goal("≥", 0))
    assert row.keys() >= ASKED | {"interval", "data", "samples"}
    assert (row["name"], row["runs"], row["met"], row["goal"]) == ("sha256", 3, True, "≥ 0")
    low, high = row["interval"]
    assert 0 < low <= high
    assert [len(row["samples"][side]) for side in ("ours", "peer")] == [3, 3]
    assert _measured(Goal("≤", 0))["met"] is False, "a goal that is missed is said, not raised"


def test_ratio_and_interval_are_of_medians_and_pairs() -> None:
    row = compare("x", "s", [2.0, 4.0, 6.0], [1.0, 4.0, 2.0], peer_name="p", goal=Goal("≤", 1.9), data="d")
    assert (row["ours"], row["peer"], row["ratio"]) == (4.0, 2.0, 2.0)
    assert (row["interval"], row["met"]) == ([1.0, 3.0], False)


def test_a_goal_with_a_unit_is_about_ours_alone() -> None:
    for ours, met in ((49.0, True), (50.0, False)):
        row = compare("x", "ms", [ours], [1.0], peer_name="p", goal=Goal("<", 50, "ms"), data="d")
        assert (row["goal"], row["met"], row["ratio"]) == ("< 50 ms", met, ours)


def test_runs_must_pair() -> None:
    for ours, peer in (([1.0], []), ([], [])):
        with pytest.raises(ValueError, match=r"zip|measured"):
            compare("x", "s", ours, peer, peer_name="p", goal=Goal("≤", 1), data="d")


def test_a_peer_that_is_absent_is_a_row_with_a_reason() -> None:
    row = absent("x", "s", peer_name="them", goal=Goal("≤", 1), reason="no wheel for this platform")
    assert row.keys() >= ASKED
    assert row["peer"] is None
    assert "absent: no wheel for this platform" in runner.table([row])


def test_rows_say_how_to_repeat_them_and_one_failure_hides_no_other(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good, bad = tmp_path / "good.py", tmp_path / "bad.py"
    good.write_text("def run():\n    return [{'name': 'good'}]\n")
    bad.write_text("def run():\n    raise OSError('no such peer')\n")
    import tests.bench

    monkeypatch.setattr(tests.bench, "__path__", [str(tmp_path)])
    rows, failed = runner.measure(["bad", "good"])
    assert failed == ["bad"]
    assert "no such peer" in capsys.readouterr().err
    assert rows[0]["command"] == "make bench ONLY=good"
    assert {"commit", "measured_at", "machine"} <= rows[0].keys()


def test_kept_rows_are_replaced_by_name(tmp_path: Path) -> None:
    kept = tmp_path / "bench.json"
    kept.write_text(json.dumps([{"name": "a", "ratio": 1}, {"name": "b", "ratio": 1}]))
    assert runner.merged(kept, [{"name": "b", "ratio": 2}]) == [
        {"name": "a", "ratio": 1},
        {"name": "b", "ratio": 2},
    ]


def test_every_benchmark_is_found() -> None:
    assert {"ingest", "near_duplicates", "upload"} <= set(runner.names())
    assert not {"rows", "test_runner"} & set(runner.names())
