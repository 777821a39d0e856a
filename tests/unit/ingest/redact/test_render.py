"""The redacted master of real film: every frame at its time, hidden where asked, untouched elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ingest.errors import FileRejected, MachineFault
from ingest.frames import Ledger
from ingest.graph import MASTER_NAME
from ingest.packets import read_packets
from ingest.probe import Probe, probe
from ingest.profiles import DEFAULT_PROFILE
from ingest.redact.boxes import Box
from ingest.redact.masks import Grid, block_size, masks
from ingest.redact.regions import Keyframe, Region
from ingest.redact.render import render, stride_of
from ingest.redact.verify import verify
from ingest.report import Report
from ingest.workspace import Workspace
from tests.media.synthetic import run_ffmpeg

Open = Callable[[Path], Workspace]
HERE = Box(0.25, 0.25, 0.3, 0.4)


@pytest.fixture
def master(derived: tuple[Path, Report], open_on: Open) -> tuple[Workspace, Probe, Ledger]:
    """The ten seconds of the synthetic exercise: 426 by 240, a variable frame rate with a gap."""
    workspace = open_on(derived[0] / MASTER_NAME)
    return workspace, probe(workspace), Ledger.read(derived[0] / "ledger.parquet")


def sound_of(path: Path, target: Path) -> np.ndarray:
    run_ffmpeg(
        "-i", str(path), "-af", "aresample=48000:async=1:first_pts=0", "-ac", "1", "-f", "s16le", str(target)
    )
    return np.fromfile(target, "<i2").astype(float)


def test_each_frame_is_hidden_by_its_own_mask_at_an_uneven_rate(
    master: tuple[Workspace, Probe, Ledger],
) -> None:
    """Every second frame is masked: a mask that slips by one frame would show in all of them."""
    workspace, facts, ledger = master
    regions = [Region("mask", n, n + 1, (Keyframe(n, HERE),)) for n in range(0, ledger.frame_count, 2)]
    made = render(workspace, facts, DEFAULT_PROFILE, ledger, regions)
    grid = Grid(facts.video.width, facts.video.height)
    everything = np.arange(ledger.frame_count)
    seen = verify(workspace, grid, regions, everything, made.block, keys=False)
    assert seen.frames == ledger.frame_count
    assert seen.inside <= 4
    with pytest.raises(MachineFault, match="not what it should be"):
        verify(workspace, grid, regions, everything + 1, made.block, keys=False)


def test_moving_blur_and_mask_together_keep_frames_times_and_key_frames(
    master: tuple[Workspace, Probe, Ledger],
) -> None:
    workspace, facts, ledger = master
    moving = (Keyframe(20, HERE), Keyframe(120, Box(0.6, 0.1, 0.2, 0.3)))
    regions = [
        Region("blur", 20, 140, moving),
        Region("mask", 60, 90, (Keyframe(60, Box(0.5, 0.5, 0.5, 0.5)),)),
    ]
    counts: list[int] = []
    made = render(workspace, facts, DEFAULT_PROFILE, ledger, regions, counts.append)
    packets = read_packets(workspace, MASTER_NAME, "v:0")
    assert packets.time_base == facts.packets.time_base
    assert np.array_equal(packets.pts, facts.packets.pts)
    assert np.array_equal(packets.key, facts.packets.key)
    grid = Grid(facts.video.width, facts.video.height)
    assert made.block == 32
    for keys, frames in ((False, np.arange(ledger.frame_count)), (True, np.flatnonzero(packets.key))):
        seen = verify(workspace, grid, regions, frames, made.block, keys=keys)
        assert seen.frames == len(frames)
    assert str(workspace.path) not in " ".join(made.command[1:])


def test_what_is_not_hidden_is_copied_bit_by_bit(
    master: tuple[Workspace, Probe, Ledger], tmp_path: Path
) -> None:
    workspace, facts, ledger = master
    hashes = []
    for region in (Region("mask", 0, 10, (Keyframe(0, HERE),)), Region("mute", 50, 75)):
        render(workspace, facts, DEFAULT_PROFILE, ledger, [region])
        for path in (workspace.source, workspace.path / MASTER_NAME):
            for stream in ("v", "a"):
                target = tmp_path / "hash"
                run_ffmpeg("-i", str(path), "-map", f"0:{stream}", "-c", "copy", "-f", "hash", str(target))
                hashes.append(target.read_text())
    v, a, masked_v, masked_a, _, _, muted_v, muted_a = hashes
    assert (masked_a, muted_v) == (a, v)
    assert masked_v != v
    assert muted_a != a


@pytest.mark.parametrize("style", ["mute", "voice_change"])
def test_sound_is_silent_or_another_in_the_interval_and_itself_outside(
    master: tuple[Workspace, Probe, Ledger], tmp_path: Path, style: str
) -> None:
    workspace, facts, ledger = master
    region = Region(style, 50, 125)  # type: ignore[arg-type]
    render(workspace, facts, DEFAULT_PROFILE, ledger, [region])
    before = sound_of(workspace.source, tmp_path / "before.s16")
    after = sound_of(workspace.path / MASTER_NAME, tmp_path / "after.s16")
    start, end = (int(ledger.time_of(frame) * 48_000) for frame in (50, 125))
    assert abs(len(before) - len(after)) < 2048  # AAC ends on a whole packet
    inside, margin = np.s_[start + 2048 : end - 2048], 4096
    loud = np.sqrt(np.mean(before[inside] ** 2))
    for outside in (np.s_[margin : start - margin], np.s_[end + margin : len(before) - margin]):
        assert np.sqrt(np.mean((before[outside] - after[outside]) ** 2)) < 0.3 * np.sqrt(
            np.mean(before[outside] ** 2)
        )
    if style == "mute":
        assert np.abs(after[inside]).max() <= 2
    else:
        assert 0.3 < np.sqrt(np.mean(after[inside] ** 2)) / loud < 3
        assert abs(np.corrcoef(before[inside], after[inside])[0, 1]) < 0.3


def test_nothing_personal_and_nothing_of_the_encoder_is_in_the_file(
    master: tuple[Workspace, Probe, Ledger],
) -> None:
    workspace, facts, ledger = master
    render(workspace, facts, DEFAULT_PROFILE, ledger, [Region("mask", 0, 5, (Keyframe(0, HERE),))])
    data = (workspace.path / MASTER_NAME).read_bytes()
    assert not [word for word in (b"Lavf", b"Lavc", b"x264", b"SYNTHETIC") if word in data]


def test_two_renderings_give_the_same_bytes(master: tuple[Workspace, Probe, Ledger]) -> None:
    workspace, facts, ledger = master
    regions = [Region("blur", 0, 50, (Keyframe(0, HERE),)), Region("voice_change", 10, 60)]
    made = []
    for _ in range(2):
        render(workspace, facts, DEFAULT_PROFILE, ledger, regions)
        made.append((workspace.path / MASTER_NAME).read_bytes())
    assert made[0] == made[1]


def test_without_a_region_there_is_nothing_to_render(master: tuple[Workspace, Probe, Ledger]) -> None:
    workspace, facts, ledger = master
    with pytest.raises(ValueError, match="nothing to redact"):
        render(workspace, facts, DEFAULT_PROFILE, ledger, [])


def test_masks_cover_every_cell_that_a_box_touches() -> None:
    grid = Grid(100, 50)
    assert (grid.columns, grid.rows) == (13, 7)
    region = Region("mask", 3, 5, (Keyframe(3, Box(0.07, 0.15, 0.02, 0.02)),))
    empty, cells, again, over = masks([region], grid, range(2, 6))
    assert not empty.any()
    assert np.argwhere(cells).tolist() == [[0, 0], [0, 1], [1, 0], [1, 1]]
    assert np.array_equal(cells, again)
    assert not over.any()


def test_a_blur_is_at_most_four_blocks_across() -> None:
    grid = Grid(1280, 720)
    small, large = (Region("blur", 0, 9, (Keyframe(0, Box(0, 0, w, w)),)) for w in (0.01, 0.25))
    assert (block_size([small], grid), block_size([small, large], grid)) == (16, 80)


@pytest.mark.parametrize("frames", [1, 2, 1 << 22, (1 << 22) + 1, 24 * 3600 * 120])
def test_the_times_that_masks_go_by_are_exact_for_a_day_at_120_pictures_a_second(frames: int) -> None:
    """FFmpeg reckons in doubles: each such time must be a whole number of its own, and give its distance back."""
    pts = np.arange(frames, dtype=np.int64) * 750  # of 1/90,000 s
    stride = stride_of(pts)
    assert (frames - 1) * stride + (stride - 1) < 1 << 53
    last = float(frames - 1) * stride
    for distance in (0, 1, 750, stride - 1):
        assert int(last + distance) == (frames - 1) * stride + distance
        assert (last + distance) % stride == distance


def test_a_gap_that_masks_cannot_span_is_refused_before_anything_is_rendered() -> None:
    pts = np.arange(24 * 3600 * 120, dtype=np.int64)
    pts[-1] += (1 << 29) - 2
    assert stride_of(pts) == 1 << 29
    pts[-1] += 1
    with pytest.raises(FileRejected, match="too long a gap"):
        stride_of(pts)
