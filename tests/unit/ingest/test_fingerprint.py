"""vPDQ: what is hashed, when, and that Meta's own matcher reads and matches it."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ingest.ffmpeg import Tools
from ingest.fingerprint import (
    COUNTED,
    DENSE,
    SIDE,
    Feature,
    FrameHash,
    clip_of,
    from_json,
    grid,
    once_a_second,
    period_of,
    read_frames,
    to_json,
    vpdq_of,
)
from ingest.frames import Ledger
from ingest.vpdq_match import MOST_BITS, Match, Stretch, comparable, match

RATE = Fraction(10)


def ledger_of(frames: int, base: int = 1000) -> Ledger:
    """Ten frames a second, the first not at zero."""
    pts = 700 + np.arange(frames, dtype=np.int64) * (base // 10)
    ones = np.ones(frames, dtype=np.int64)
    return Ledger(
        Fraction(1, base), pts, ones * (base // 10), ones.astype(bool), np.zeros((frames, 16), np.uint8)
    )


def pictures(seed: int, count: int) -> list[NDArray[np.uint8]]:
    """Unlike pictures of large soft shapes, as PDQ sees footage."""
    random = np.random.default_rng(seed)
    coarse = random.integers(0, 256, (count, 8, 8, 3), dtype=np.uint8)
    return list(coarse.repeat(SIDE // 8, axis=1).repeat(SIDE // 8, axis=2))


def two_a_second(frames: int) -> list[int]:
    return grid(frames, RATE, COUNTED).tolist()


def recorded(seed: int, count: int = 4) -> list[FrameHash]:
    return vpdq_of(pictures(seed, count), two_a_second(count * 5), ledger_of(count * 5), RATE)


def noisy(frames: list[NDArray[np.uint8]]) -> list[NDArray[np.uint8]]:
    random = np.random.default_rng(9)
    return [np.clip(f + random.normal(0, 6, f.shape), 0, 255).astype(np.uint8) for f in frames]


@pytest.fixture(scope="module")
def filmed(tools: Tools, media: Path) -> Callable[[str, int], list[FrameHash]]:
    """Films a zoom into a fractal, coded at that CRF, and hashes what comes out of the decoder."""

    def film(name: str, crf: int) -> list[FrameHash]:
        path, raw = media / f"{name}.mp4", media / f"{name}.rgb"
        zoom = "mandelbrot=size=320x180:rate=10:start_scale=0.6:end_scale=0.2:end_pts=200"
        words = ("-f", "lavfi", "-i", zoom, "-t", "3", "-pix_fmt", "yuv420p", "-crf", str(crf))
        run(tools, *words, "-bf", "0", str(path))
        pick = "select='not(mod(n,5))'"
        words = ("-i", str(path), "-vf", f"{pick},scale={SIDE}:{SIDE}", "-fps_mode", "passthrough")
        run(tools, *words, "-f", "rawvideo", "-pix_fmt", "rgb24", str(raw))
        return vpdq_of(read_frames(raw), two_a_second(30), ledger_of(30), RATE)

    return film


def run(tools: Tools, *words: str) -> None:
    subprocess.run([str(tools.ffmpeg), "-v", "error", "-y", *words], check=True, timeout=60)


def test_a_hash_says_which_frame_and_when() -> None:
    hashes = recorded(1)
    assert [(one.ordinal, one.pts, one.seconds) for one in hashes] == [
        (0, 700, 0.0),
        (5, 1200, 0.5),
        (10, 1700, 1.0),
        (15, 2200, 1.5),
    ]
    assert {len(one.hash) for one in hashes} == {32}
    assert all(one.quality == 100 for one in hashes)
    black = vpdq_of([np.zeros((SIDE, SIDE, 3), np.uint8)], [3], ledger_of(5), RATE)
    assert black[0].quality == 0


def test_what_is_no_such_frame_is_refused() -> None:
    with pytest.raises(ValueError, match="224"):
        vpdq_of([np.zeros((SIDE, 10, 3), np.uint8)], [0], ledger_of(5), RATE)
    with pytest.raises(IndexError):
        vpdq_of(pictures(1, 1), [6], ledger_of(5), RATE)
    with pytest.raises(ValueError, match="zip"):
        vpdq_of(pictures(1, 2), [0], ledger_of(5), RATE)


def test_a_raw_file_that_ends_inside_a_picture_is_refused(tmp_path: Path) -> None:
    whole = pictures(1, 2)
    (tmp_path / "two.rgb").write_bytes(b"".join(one.tobytes() for one in whole))
    assert [one.tobytes() for one in read_frames(tmp_path / "two.rgb")] == [one.tobytes() for one in whole]
    (tmp_path / "cut.rgb").write_bytes(whole[0].tobytes()[:-1])
    with pytest.raises(ValueError, match="inside a picture"):
        list(read_frames(tmp_path / "cut.rgb"))


@settings(deadline=None)
@given(frames=st.integers(0, 400), rate=st.fractions(min_value=Fraction(1, 10), max_value=130))
def test_the_grid_holds_every_frame_of_metas(frames: int, rate: Fraction) -> None:
    ordinals, counted = grid(frames, rate).tolist(), grid(frames, rate, COUNTED).tolist()
    assert set(range(0, frames, period_of(rate))) <= set(counted) <= set(ordinals) <= set(range(frames))
    assert ordinals == sorted(set(ordinals))
    periods = frames // period_of(rate) + 1
    assert (len(counted) <= COUNTED * periods, len(ordinals) <= DENSE * periods) == (True, True)
    assert all(after - before <= -(-period_of(rate) // DENSE) for before, after in pairwise(ordinals))


def test_a_clip_is_a_slice_and_interchange_is_once_a_second() -> None:
    hashes = recorded(1)
    assert [one.ordinal for one in clip_of(hashes, 5, 15)] == [5, 10]
    assert [one.ordinal for one in once_a_second(hashes, RATE)] == [0, 10]


def test_interchange_comes_back_as_it_went() -> None:
    hashes = recorded(1)
    assert from_json(to_json(hashes)) == [Feature(one.hash, one.quality, one.seconds) for one in hashes]
    digits = hashes[0].hash.hex()
    assert to_json(hashes[:1]) == f'["{digits},100,0.000"]'
    for bad in (
        '{"a": 1}',
        '["x"]',
        "[7]",
        f'["{digits},101,0"]',
        f'["{digits},1,-1"]',
        f'["{digits[:-1]}g,1,1"]',
    ):
        with pytest.raises(ValueError, match=r"vPDQ|hexadecimal"):
            from_json(bad)


def test_the_same_footage_coded_again_matches_and_other_footage_does_not(
    filmed: Callable[[str, int], list[FrameHash]],
) -> None:
    fine, coarse = filmed("fine", 18), filmed("coarse", 33)
    assert len(fine) == 6
    alike = match(fine, coarse)
    assert (alike.query_share, alike.compared_share) == (1.0, 1.0)
    assert alike.query == (Stretch(0, 26),)
    assert match(fine, recorded(2)) == Match(0.0, 0.0, (), ())


def test_a_part_is_found_where_it_is() -> None:
    frames = pictures(3, 8)
    whole = vpdq_of(frames, two_a_second(40), ledger_of(40), RATE)
    part = vpdq_of(noisy(frames[2:5]), two_a_second(15), ledger_of(15), RATE)
    found = match(part, whole)
    assert (found.query_share, found.compared_share) == (1.0, 3 / 8)
    assert (found.query, found.compared) == ((Stretch(0, 11),), (Stretch(10, 25),))


def test_a_copy_that_was_cut_beside_the_grid_is_found_among_all_that_was_hashed() -> None:
    """Thirty frames a second of a camera that moves: each picture slides a little over the one before."""
    wide = pictures(5, 1)[0].repeat(4, axis=1)
    wide = np.concatenate([np.roll(wide, 40 * n, axis=0) for n in range(3)], axis=1)
    frames = [np.ascontiguousarray(wide[:, 8 * n : 8 * n + SIDE]) for n in range(240)]
    rate = Fraction(30)
    ledger = ledger_of(240)

    def hashed(cut: int) -> list[FrameHash]:
        ordinals = grid(len(frames) - cut, rate).tolist()
        return vpdq_of([frames[cut + n] for n in ordinals], ordinals, ledger, rate)

    whole, copy = hashed(0), hashed(37)
    sparse = match([one for one in copy if one.counts], [one for one in whole if one.counts])
    dense = match(copy, whole)
    assert len([one for one in copy if one.counts]) * 3.5 < len(copy)
    assert dense.query_share > 0.9 > 2 * sparse.query_share


def test_dark_frames_and_repeats_do_not_count() -> None:
    one, two = recorded(4, 2)
    dark = FrameHash(b"\1" * 32, 49, 1.0, 10, 1)
    assert comparable([one, one, dark, two]) == [one, two]
    assert match([dark], [dark]) == Match(0.0, 0.0, (), ())


@settings(deadline=None)
@given(first=st.binary(min_size=32, max_size=32), bits=st.sets(st.integers(0, 255), max_size=64))
def test_the_border_lies_at_31_bits(first: bytes, bits: set[int]) -> None:
    other = (int.from_bytes(first) ^ sum(1 << bit for bit in bits)).to_bytes(32)
    shares = match([FrameHash(first, 100, 0, 0, 0)], [FrameHash(other, 100, 0, 0, 0)])
    assert (shares.query_share == 1) == (len(bits) <= MOST_BITS)


def test_metas_matcher_reads_and_matches_our_hashes(
    filmed: Callable[[str, int], list[FrameHash]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Meta's PDQ matcher and index over our interchange."""
    pytest.importorskip("threatexchange", reason="Meta's threatexchange is not installed")
    if importlib.util.find_spec("pdqhash") is None:
        # The hasher beside the matcher is imported with it, has no wheel for Linux, and is not what is asked here.
        monkeypatch.setitem(sys.modules, "pdqhash", ModuleType("pdqhash"))
    from threatexchange.signal_type.pdq.signal import PdqSignal

    fine, coarse, other = filmed("fine", 18), filmed("coarse", 33), recorded(2)
    said = {
        name: [line.split(",")[0] for line in _lines(hashes)]
        for name, hashes in (("fine", fine), ("coarse", coarse), ("other", other))
    }
    index = PdqSignal.get_index_cls().build(
        [(PdqSignal.validate_signal_str(digits), at) for at, digits in enumerate(said["fine"])]
    )
    for at, digits in enumerate(said["coarse"]):
        assert PdqSignal.compare_hash(said["fine"][at], digits).match
        assert at in {found.metadata for found in index.query(digits)}
    assert not [found for digits in said["other"] for found in index.query(digits)]


def test_metas_own_hasher_agrees_bit_for_bit() -> None:
    pdqhash = pytest.importorskip("pdqhash", reason="pdqhash is not installed: it needs a compiler")
    for frame, one in zip(pictures(2, 4), recorded(2), strict=True):
        bits, quality = pdqhash.compute(frame)
        assert (np.packbits(bits).tobytes(), quality) == (one.hash, one.quality)


def _lines(hashes: list[FrameHash]) -> list[str]:
    import json

    lines: list[str] = json.loads(to_json(hashes))
    return lines


def test_copies_among_real_footage_are_told_from_another_scene(tools: Tools, tmp_path: Path) -> None:
    folder = Path(__file__).parents[4] / "shared" / "data" / "footage" / "near-duplicates"
    if not folder.is_dir():
        pytest.skip("the development footage is not at hand")
    names = (
        "chair-orig-22-sd-bar",
        "chair-22-sd-grey-bar",
        "chair-22-with-small-logo-bar",
        "doorknob-hd-no-bar",
    )
    raw = tmp_path / "frames.rgb"
    made = []
    for name in names:
        pick = f"select='not(mod(n,15))',scale={SIDE}:{SIDE}"
        run(tools, "-i", str(folder / f"{name}.mp4"), "-vf", pick, "-fps_mode", "passthrough",
            "-f", "rawvideo", "-pix_fmt", "rgb24", str(raw))  # fmt: skip
        count = raw.stat().st_size // (3 * SIDE * SIDE)
        made.append(vpdq_of(read_frames(raw), range(0, 15 * count, 15), ledger_of(15 * count), Fraction(30)))
    original, grey, logo, door = made
    assert min(match(original, grey).query_share, match(original, logo).query_share) > 0.9
    assert match(original, door).query_share == 0
