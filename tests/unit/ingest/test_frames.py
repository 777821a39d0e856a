"""The ledger: exact times, a frame for every moment, equal bytes for equal ledgers."""

from __future__ import annotations

import time
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.errors import FileRejected
from ingest.framehash import read_framehash
from ingest.frames import Ledger, make_ledger
from ingest.packets import Packets

FRAMEHASH = """#format: frame checksums
#version: 2
#hash: murmur3
#tb 0: 1/1000
#media_type 0: video
0,         40,         40,       40,    28800, 00112233445566778899aabbccddeeff
0,         80,         80,       40,    28800, 10112233445566778899aabbccddeeff
0,        200,        200,       40,    28800, 20112233445566778899aabbccddeeff
"""


@st.composite
def ledgers(draw: st.DrawFn) -> Ledger:
    gaps = draw(st.lists(st.integers(1, 5000), min_size=1, max_size=60))
    start = draw(st.integers(-10_000, 10**9))
    time_base = draw(st.sampled_from([Fraction(1, 90_000), Fraction(1001, 30_000), Fraction(1, 1000)]))
    duration = np.array(gaps, dtype=np.int64)
    pts = start + np.concatenate([[0], np.cumsum(duration[:-1])]).astype(np.int64)
    key = np.zeros(len(gaps), dtype=np.bool_)
    key[0] = True
    hashes = np.repeat(np.arange(len(gaps), dtype=np.uint8)[:, None], 16, axis=1)
    uncertain = draw(st.sets(st.integers(0, len(gaps) - 1)))
    return Ledger(time_base, pts, duration, key, hashes, tuple(sorted(uncertain)))


@settings(max_examples=50)
@given(ledgers(), st.data())
def test_a_frame_is_on_show_from_its_own_time_until_the_next(ledger: Ledger, data: st.DataObject) -> None:
    ordinal = data.draw(st.integers(0, ledger.frame_count - 1))
    start, end = ledger.time_of(ordinal), ledger.time_of(ordinal + 1)
    assert start < end
    assert ledger.frame_at(start) == ordinal
    assert ledger.frame_at((start + end) / 2) == ordinal
    assert ledger.frame_at(end) == min(ordinal + 1, ledger.frame_count - 1)
    assert ledger.frame_at(-1) == 0


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ledgers())
def test_written_and_read_it_is_the_same_and_so_are_the_bytes(tmp_path: Path, ledger: Ledger) -> None:
    first, second = tmp_path / "a.parquet", tmp_path / "b.parquet"
    ledger.write(first)
    read = Ledger.read(first)
    read.write(second)
    assert first.read_bytes() == second.read_bytes()
    assert read.time_base == ledger.time_base
    assert np.array_equal(read.hashes, ledger.hashes)
    assert read.uncertain == ledger.uncertain
    for name in ("pts", "duration", "key"):
        assert np.array_equal(getattr(read, name), getattr(ledger, name))


def test_a_ledger_of_before_is_read_as_certain(tmp_path: Path) -> None:
    path = tmp_path / "ledger.parquet"
    Ledger(
        Fraction(1, 25), np.arange(2), np.ones(2, int), np.ones(2, bool), np.zeros((2, 16), np.uint8), (1,)
    ).write(path)
    pq.write_table(pq.read_table(path).drop_columns("certain"), path)
    assert Ledger.read(path).uncertain == ()


def test_what_does_not_come_out_again_is_uncertain(tmp_path: Path) -> None:
    first, again = tmp_path / "f.txt", tmp_path / "again.txt"
    first.write_text(FRAMEHASH)
    assert read_framehash(first, again).certain.tolist() == [True] * 3
    *header, one, two, three = FRAMEHASH.splitlines()
    again.write_text("\n".join([*header, one, two.replace("eeff", "eefe"), three]) + "\n")
    decoded = read_framehash(first, again)
    assert decoded.certain.tolist() == [True, False, True]
    later, none = replace(decoded, pts=decoded.pts + 1000), np.array([], bool)
    packets = Packets(0, Fraction(1), np.array([], int), none, none)
    assert make_ledger([decoded, later], packets).uncertain == (1, 4)


def test_framehash_is_parsed_with_gaps_as_durations_and_source_keys(tmp_path: Path) -> None:
    (tmp_path / "f.txt").write_text(FRAMEHASH)
    packets = Packets(
        3,
        Fraction(1, 1000),
        np.array([40, 80, 200]),
        np.array([True, False, True]),
        np.array([True, False, True]),
    )
    ledger = make_ledger([read_framehash(tmp_path / "f.txt")], packets)
    assert ledger.time_base == Fraction(1, 1000)
    assert ledger.pts.tolist() == [40, 80, 200]
    assert ledger.duration.tolist() == [40, 120, 40]
    assert ledger.key.tolist() == [True, False, True]
    assert ledger.hashes[2].tobytes().hex() == "20112233445566778899aabbccddeeff"
    assert ledger.pts_of(3) == 240
    assert ledger.time_of(3) == Fraction(1, 5)


def test_ordinals_outside_are_refused(tmp_path: Path) -> None:
    (tmp_path / "f.txt").write_text(FRAMEHASH)
    ledger = make_ledger(
        [read_framehash(tmp_path / "f.txt")],
        Packets(0, Fraction(1), np.array([], int), np.array([], bool), np.array([], bool)),
    )
    for ordinal in (-1, 4):
        with pytest.raises(IndexError):
            ledger.pts_of(ordinal)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("#tb 0: 1/1000\n", "undecodable"),
        (FRAMEHASH.replace("200,        200", " 80,         80"), "unusable_timing"),
    ],
)
def test_no_frames_or_two_at_one_time_are_refused(tmp_path: Path, text: str, reason: str) -> None:
    (tmp_path / "f.txt").write_text(text)
    with pytest.raises(FileRejected) as refusal:
        make_ledger(
            [read_framehash(tmp_path / "f.txt")],
            Packets(0, Fraction(1), np.array([], int), np.array([], bool), np.array([], bool)),
        )
    assert refusal.value.reason_code == reason


def test_another_parquet_file_is_no_ledger(tmp_path: Path) -> None:
    pq.write_table(pa.table({"ordinal": [1]}), tmp_path / "x.parquet")
    with pytest.raises(ValueError, match="not a frame ledger"):
        Ledger.read(tmp_path / "x.parquet")


def test_framehash_is_parsed_fast_enough(tmp_path: Path) -> None:
    """Far below the goal of 20,000 frames a processor second, so that only a change of kind fails."""
    rows = "".join(f"0, {n:10}, {n:10}, 1, 28800, {n:032x}\n" for n in range(40_000))
    (tmp_path / "f.txt").write_text("#tb 0: 1/1000\n" + rows)
    none = np.array([], bool)
    started = time.process_time()
    ledger = make_ledger(
        [read_framehash(tmp_path / "f.txt")], Packets(0, Fraction(1), np.array([], int), none, none)
    )
    assert time.process_time() - started < 2
    assert ledger.hashes[39_999].tobytes().hex() == f"{39_999:032x}"
