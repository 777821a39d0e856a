"""Of what kinds of units packets are made: where decoding may start, and whether the parameters stay."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from ingest.packets import Packets
from ingest.probe import probe
from ingest.units import Units, read_units
from ingest.workspace import Workspace
from tests.media import synthetic

X264 = ("-c:v", "libx264", "-preset", "ultrafast", "-bf", "2", "-b-pyramid", "0", "-g", "10")
KEYS = np.array([True, False, False, True, False, False])
PACKETS = Packets(total=6, time_base=Fraction(1, 25), pts=np.arange(6), key=KEYS, clean=KEYS)


def fresh_starts(workspace: Workspace) -> Packets:
    source = probe(workspace)
    return read_units(workspace, source, sets=False).keep_fresh_starts(source.packets)


@pytest.mark.parametrize(
    ("name", "codec", "clean"),
    [
        ("closed.mp4", X264, [0, 10, 20, 30, 40]),
        ("closed.ts", X264, [0, 10, 20, 30, 40]),
        ("refresh.mp4", (*X264[:2], "-x264-params", "intra-refresh=1:keyint=10:bframes=0:scenecut=0"), [0]),
        (
            "hevc.mkv",
            ("-c:v", "libx265", "-x265-params", "keyint=10:open-gop=0:log-level=0"),
            [0, 10, 20, 30, 40],
        ),
    ],
)
def test_decoding_may_start_where_the_picture_starts_afresh(
    tmp_path: Path, open_on: Callable[[Path], Workspace], name: str, codec: tuple[str, ...], clean: list[int]
) -> None:
    pixels = ("-pix_fmt", "yuv420p")
    found = fresh_starts(open_on(synthetic.plain(tmp_path / name, codec=codec, extra=pixels, channels=0)))
    assert found.key.sum() > 1
    assert found.clean.nonzero()[0].tolist() == clean


@pytest.mark.parametrize(
    ("name", "codec", "least"),
    [
        ("closed.mp4", (*X264, "-pix_fmt", "yuv420p"), 5),
        ("open.mp4", ("-c:v", "libx264", "-x264-params", "open-gop=1:b-adapt=0:keyint=10:bframes=2"), 1),
        ("refresh.ts", ("-c:v", "libx264", "-x264-params", "intra-refresh=1:keyint=10:bframes=0"), 1),
        ("open-hevc.mp4", ("-c:v", "libx265", "-x265-params", "keyint=10:log-level=0:pools=1"), 1),
        (
            "closed-hevc.mp4",
            ("-c:v", "libx265", "-x265-params", "keyint=10:open-gop=0:log-level=0:pools=1"),
            5,
        ),
        ("hidden.webm", ("-c:v", "libvpx-vp9", "-g", "10", "-lag-in-frames", "16", "-cpu-used", "8"), 3),
        ("hidden.mkv", ("-c:v", "libsvtav1", "-preset", "12", "-g", "10", "-svtav1-params", "lp=1"), 3),
        ("mpeg.mp4", ("-c:v", "mpeg4", "-g", "10", "-bf", "2"), 1),
        ("mpeg2.mp4", ("-c:v", "mpeg2video", "-g", "10"), 5),
    ],
)
def test_decoding_from_a_clean_key_frame_gives_the_same_pictures(
    tmp_path: Path, open_on: Callable[[Path], Workspace], name: str, codec: tuple[str, ...], least: int
) -> None:
    source = synthetic.plain(tmp_path / name, codec=codec, channels=0, extra=("-pix_fmt", "yuv420p"))
    found = fresh_starts(open_on(source))
    whole = synthetic.decoded(source)
    assert found.clean.sum() >= least
    for start in found.clean.nonzero()[0].tolist():
        seconds = float((int(found.pts[start]) - int(found.pts[0])) * found.time_base)
        part = synthetic.decoded(source, seconds + 0.02)
        assert [frame.digest for frame in part] == [frame.digest for frame in whole[start:]]


@pytest.mark.parametrize(
    ("sets", "same"),
    [
        (None, False),
        ((), True),
        (((0, "a"), (3, "a")), True),
        (((0, "a"), (3, "b")), False),
        (((3, "a"),), False),
        (((0, "a"), (3, "a"), (4, "a")), False),
    ],
)
def test_parameters_are_the_same_where_no_group_brings_any_or_each_brings_one_set(
    sets: tuple[tuple[int, str], ...] | None, same: bool
) -> None:
    assert Units(fresh=(), sets=sets).same_parameters(PACKETS) is same


def test_one_reading_tells_both(tmp_path: Path, open_on: Callable[[Path], Workspace]) -> None:
    """MPEG-TS has its parameters in every group; a header holds those of MP4."""
    for name, at in (("a.ts", 5), ("a.mp4", 0)):
        workspace = open_on(
            synthetic.plain(tmp_path / name, codec=(*X264, "-pix_fmt", "yuv420p"), channels=0)
        )
        source = probe(workspace)
        units = read_units(workspace, source, sets=True)
        assert units.sets is not None
        assert units.fresh == tuple(source.packets.pts[source.packets.key].tolist())
        assert len(units.sets) == at
        assert units.same_parameters(source.packets)
        assert {one.name for one in workspace.path.iterdir()} <= {"source", "stdout.txt", "stderr.txt"}


def test_what_cannot_be_read_promises_nothing(tmp_path: Path, open_on: Callable[[Path], Workspace]) -> None:
    whole = synthetic.plain(tmp_path / "a.mp4", codec=(*X264, "-pix_fmt", "yuv420p"), channels=0)
    workspace = open_on(whole)
    source = probe(workspace)
    whole.write_bytes(b"")
    units = read_units(workspace, source, sets=True)
    assert units == Units(fresh=())
    assert units.keep_fresh_starts(source.packets).clean.nonzero()[0].tolist() == [0]
    assert not units.same_parameters(source.packets)
