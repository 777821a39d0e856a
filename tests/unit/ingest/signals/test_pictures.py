"""Figures of the pictures: the same whole or in chunks, and FFmpeg's own filters' findings on the same pictures."""

from __future__ import annotations

import re
import subprocess
import tracemalloc
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from ingest.ffmpeg import Tools
from ingest.frames import Ledger
from ingest.intervals import Span
from ingest.signals.pictures import HEIGHT, PIXELS, WIDTH, PictureSignals, join, read_pictures
from ingest.signals.seen import find_black, find_cuts, find_frozen, find_motion
from ingest.signals.thresholds import DEFAULT_THRESHOLDS, Thresholds

RAW = ("-f", "rawvideo", "-pix_fmt", "gray", "-s", f"{WIDTH}x{HEIGHT}", "-r", "25")


def ledger_of(count: int, rate: int = 25) -> Ledger:
    ones = np.ones(count, dtype=np.int64)
    return Ledger(
        Fraction(1, rate),
        np.arange(count),
        ones,
        np.zeros(count, dtype=np.bool_),
        np.zeros((count, 16), np.uint8),
    )


def write(path: Path, pictures: np.ndarray) -> Path:
    path.write_bytes(pictures.astype(np.uint8).tobytes())
    return path


def drawn(path: Path, tools: Tools, source: str) -> Path:
    """Grey pictures of a graph, as ingest would write them."""
    argv = [tools.ffmpeg, "-v", "error", "-y", "-f", "lavfi", "-i", source, "-vf"]
    grey = f"scale={WIDTH}:{HEIGHT}:flags=area:out_range=pc,format=gray"
    subprocess.run([*argv, grey, "-f", "rawvideo", str(path)], check=True, timeout=60)
    return path


def said(tools: Tools, raw: Path, graph: str) -> str:
    argv = [tools.ffmpeg, "-hide_banner", *RAW, "-i", str(raw), "-vf", graph, "-f", "null", "-"]
    return subprocess.run(argv, capture_output=True, text=True, check=True, timeout=60).stderr


def equal(one: PictureSignals, other: PictureSignals) -> bool:
    names = ("light", "dark", "change", "first", "last")
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in names)


@settings(max_examples=40, deadline=None)
@given(
    arrays.arrays(np.uint8, st.tuples(st.integers(1, 9), st.just(PIXELS))),
    st.sets(st.integers(1, 8)),
    st.integers(1, 10),
)
def test_chunks_joined_are_the_whole(
    tmp_path_factory: pytest.TempPathFactory, pictures: np.ndarray, cuts: set[int], block: int
) -> None:
    folder = tmp_path_factory.mktemp("chunks")
    whole = read_pictures(write(folder / "whole", pictures), block)
    parts = []
    for number, part in enumerate(np.split(pictures, sorted(cut for cut in cuts if cut < len(pictures)))):
        read_pictures(write(folder / "part", part)).save(folder / f"{number}.npz")
        parts.append(PictureSignals.load(folder / f"{number}.npz"))
    assert equal(join(parts), whole)
    assert equal(join([join(parts[:1]), *parts[1:]]), whole)


def test_figures_are_what_they_say(tmp_path: Path) -> None:
    pictures = np.zeros((3, PIXELS))
    pictures[1, :10] = 200
    pictures[2] = 25
    found = read_pictures(write(tmp_path / "gray.raw", pictures))
    assert found.light.tolist() == [0, 2000, 25 * PIXELS]
    assert found.dark.tolist() == [PIXELS, PIXELS - 10, PIXELS]
    assert found.change.tolist() == [0, 2000, 25 * (PIXELS - 10) + 175 * 10]


def test_half_a_picture_is_refused(tmp_path: Path) -> None:
    for size in (0, PIXELS + 1):
        (tmp_path / "gray.raw").write_bytes(bytes(size))
        with pytest.raises(ValueError, match="whole number"):
            read_pictures(tmp_path / "gray.raw")
    with pytest.raises(ValueError, match="nothing to join"):
        join([])


def test_memory_does_not_grow_with_the_recording(tmp_path: Path) -> None:
    write(tmp_path / "gray.raw", np.zeros((20_000, PIXELS)))
    tracemalloc.start()
    read_pictures(tmp_path / "gray.raw")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8e6  # the file has 46 MB


def test_cuts_are_scdets(tmp_path: Path, tools: Tools) -> None:
    parts = "mandelbrot=s=160x90:r=25:start_scale=2,trim=duration=1[a];testsrc2=s=160x90:r=25:d=1[b]"
    more = "color=0x204060:s=160x90:r=25:d=1,noise=alls=6[c];rgbtestsrc=s=160x90:r=25:d=1[d]"
    raw = drawn(
        tmp_path / "gray.raw",
        tools,
        f"{parts};{more};[a]setsar=1,format=yuv420p[e];[b]setsar=1,format=yuv420p[f];"
        "[c]setsar=1,format=yuv420p[g];[d]setsar=1,format=yuv420p[h];[e][f][g][h]concat=n=4",
    )
    limits = Thresholds(cut_score=10)
    ours = {cut.frame: cut.score for cut in find_cuts(read_pictures(raw), limits)}
    heard = re.findall(r"scd\.score: ([\d.]+), lavfi\.scd\.time: ([\d.]+)", said(tools, raw, "scdet=t=10"))
    theirs = {round(float(time) * 25): float(score) for score, time in heard}
    assert len(theirs) == 3
    assert ours == theirs


def test_a_flash_is_no_cut(tmp_path: Path) -> None:
    pictures = np.random.default_rng(1).integers(20, 60, (1, PIXELS)).repeat(30, axis=0)
    pictures[10:12] += 120
    pictures[20:] = 255 - pictures[20:]
    found = read_pictures(write(tmp_path / "gray.raw", pictures))
    assert [cut.frame for cut in find_cuts(found, DEFAULT_THRESHOLDS)] == [20]


def test_black_is_blackdetects(tmp_path: Path, tools: Tools) -> None:
    dark = "testsrc2=s=160x90:r=25:d=6,format=gray,lutyuv=y='val*0.1':enable='between(t,1,3.5)'"
    raw = drawn(tmp_path / "gray.raw", tools, dark)
    found = find_black(read_pictures(raw), ledger_of(150), DEFAULT_THRESHOLDS)
    theirs = re.search(
        r"black_start:([\d.]+) black_end:([\d.]+)", said(tools, raw, "format=yuvj444p,blackdetect")
    )
    assert theirs
    assert found == (Span(round(float(theirs[1]) * 25), round(float(theirs[2]) * 25)),)


def test_frozen_is_freezedetects(tmp_path: Path, tools: Tools) -> None:
    raw = drawn(
        tmp_path / "gray.raw",
        tools,
        "testsrc2=s=160x90:r=25:d=6,loop=loop=70:size=1:start=50,trim=duration=6",
    )
    found = find_frozen(read_pictures(raw), ledger_of(150), DEFAULT_THRESHOLDS)
    heard = said(tools, raw, "freezedetect")
    start, end = (re.search(rf"freeze_{edge}: ([\d.]+)", heard) for edge in ("start", "end"))
    assert start
    assert end
    assert found == (Span(round(float(start[1]) * 25), round(float(end[1]) * 25)),)


def test_a_slow_fade_is_not_frozen(tmp_path: Path) -> None:
    pictures = np.full((200, PIXELS), 100)
    for n in range(200):
        pictures[n, : PIXELS * n // 600] += 1  # a six-hundredth of a level each frame
    signals = read_pictures(write(tmp_path / "gray.raw", pictures))
    assert find_frozen(signals, ledger_of(200), Thresholds(freeze_seconds=7)) == ()
    assert find_frozen(signals, ledger_of(200), Thresholds(freeze_seconds=3)) != ()


def test_a_still_cameras_noise_is_not_frozen(tmp_path: Path) -> None:
    pictures = np.full((100, PIXELS), 100)
    pictures += np.random.default_rng(4).random(pictures.shape) < 0.1
    signals = read_pictures(write(tmp_path / "gray.raw", pictures))
    assert signals.change.max() < DEFAULT_THRESHOLDS.freeze_noise * PIXELS * 256
    assert find_frozen(signals, ledger_of(100), DEFAULT_THRESHOLDS) == ()


def test_motion_is_by_the_clock(tmp_path: Path) -> None:
    pictures = np.zeros((100, PIXELS))
    pictures[25:50:2] = 10
    signals = read_pictures(write(tmp_path / "gray.raw", pictures))
    assert find_motion(signals, ledger_of(100), DEFAULT_THRESHOLDS) == (Span(25, 50),)
    slow = ledger_of(100, rate=5)
    assert find_motion(signals, slow, DEFAULT_THRESHOLDS) == (Span(25, 50),)
