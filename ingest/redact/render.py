"""The redacted master: the master's own frames at their own times, with regions hidden in picture and sound.

One ffmpeg run: pixelated and filled copies of each picture are laid over it through the masks. A mask belongs to a
frame by number, not by time: both streams are given times of the form `number * stride + distance from the frame
before`, so that mask k is the newest one not after frame k, and the distances give the old times back, exactly, at any
rate. FFmpeg reckons them as doubles (libavfilter/setpts.c), which hold whole numbers up to 2^53: the stride is as large
as the number of frames leaves room for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import ffmpeg
import numpy as np
from numpy.typing import NDArray

from ingest.errors import FileRejected, Unexplained
from ingest.ffmpeg import input_options
from ingest.frames import Ledger
from ingest.graph import CLEAN, MASTER_NAME, MP4, NO_SEI
from ingest.mux import assert_same_times
from ingest.packets import Packets, read_packets
from ingest.probe import Probe
from ingest.profiles import Profile
from ingest.redact.masks import CELL, Grid, block_size, write_masks
from ingest.redact.regions import PICTURE_STYLES, SOUND_STYLES, Region
from ingest.redact.sound import SOUND_NAME, redact_sound
from ingest.workspace import SOURCE_NAME, Workspace

_MASKS = {"blur": "blur.monob", "mask": "mask.monob"}
_EXACT_BITS, _STRIDE_BITS = 53, 31
# Finer than the master's own 23: what is not hidden should lose next to nothing by being coded a second time.
_CRF = 18
_LONGEST_GOP = 1000
OnFrames = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Rendered:
    """The redacted master, MASTER_NAME in the job directory: the command that made it, and a blur's blocks in pixels
    (0 without one)."""

    command: tuple[str, ...]
    block: int


def render(
    workspace: Workspace,
    probe: Probe,
    profile: Profile,
    ledger: Ledger,
    regions: Sequence[Region],
    on_frames: OnFrames | None = None,
) -> Rendered:
    """Redact the master, which is the workspace's source and what `probe` describes.

    A stream in which nothing is hidden is copied. Raises ValueError without a region, FileRejected when masks cannot be
    held to so many frames so far apart, Unexplained when the result does not have the master's frames, times and key
    frames.
    """
    if not regions:
        raise ValueError("without a region there is nothing to redact")
    spoken = [r for r in regions if r.style in SOUND_STYLES] if probe.audio else []
    seen = [r for r in regions if r.style in PICTURE_STYLES and r.keyframes]
    stride = stride_of(probe.packets.pts) if seen else 0
    if probe.audio and spoken:
        channels = min(2, probe.audio.channels)
        redact_sound(workspace, ledger, spoken, rate=profile.audio_rate, channels=channels)
    grid = Grid(probe.video.width, probe.video.height)
    styles = [style for style in PICTURE_STYLES if any(r.style == style for r in seen)]
    for style in styles:
        chosen = [r for r in seen if r.style == style]
        write_masks(workspace.path / _MASKS[style], chosen, grid, ledger.frame_count)
    block = block_size((r for r in seen if r.style == "blur"), grid) if "blur" in styles else 0
    graph = _graph(workspace, probe, profile, grid, styles, block, stride, spoken=bool(spoken))
    argv = workspace.compile(graph)
    _run(workspace, argv, float(ledger.time_of(ledger.frame_count)), on_frames)
    _check(workspace, probe.packets, ledger)
    return Rendered(("ffmpeg", *argv[1:]), block)


def stride_of(pts: NDArray[np.int64]) -> int:
    """Ticks between the times that two frames are given, when frames are shown at `pts` (N,), in ticks.

    Raises FileRejected where the longest distance is no shorter.
    """
    stride = 1 << min(_STRIDE_BITS, _EXACT_BITS - len(pts).bit_length())
    if len(pts) > 1 and int(np.diff(pts).max()) >= stride:
        raise FileRejected(
            "unusable_timing",
            f"The recording's {len(pts)} pictures have too long a gap among them to be redacted. Cut it in two.",
        )
    return stride


def _run(workspace: Workspace, argv: list[str], seconds: float, on_frames: OnFrames | None) -> None:
    def follow(output: str) -> None:
        counts = [line[6:].strip() for line in output.splitlines() if line.startswith("frame=")]
        if on_frames and counts and counts[-1].isdigit():
            on_frames(int(counts[-1]))

    done = workspace.run(argv, media_seconds=seconds, on_output=follow)
    if done.status != 0:
        last = (done.stderr.splitlines() or ["no message"])[-1]
        raise Unexplained(f"the redacted master cannot be made: {last}")


def _check(workspace: Workspace, master: Packets, ledger: Ledger) -> None:
    made = read_packets(workspace, MASTER_NAME, "v:0")
    assert_same_times(made, ledger, 0, ledger.frame_count, "the redacted master")
    if not np.array_equal(made.key, master.key):
        raise Unexplained("the redacted master has other key frames than the master")


def _graph(
    workspace: Workspace,
    probe: Probe,
    profile: Profile,
    grid: Grid,
    styles: Sequence[str],
    block: int,
    stride: int,
    *,
    spoken: bool,
) -> Any:
    source = ffmpeg.input(f"file:{SOURCE_NAME}", **input_options(workspace.limits))
    options: dict[str, Any] = {"c:v": "copy"}
    picture = source["v:0"]
    if styles:
        picture = _hidden(picture, probe, grid, styles, block, stride)
        options = _encoding(probe, profile)
    streams = [picture]
    if probe.audio and spoken:
        channels = min(2, probe.audio.channels)
        streams.append(ffmpeg.input(f"file:{SOUND_NAME}", f="s16le", ar=profile.audio_rate, ac=channels))
        options |= profile.aac()
    elif probe.audio:
        streams.append(source["a:0"])
        options |= {"c:a": "copy"}
    return ffmpeg.output(*streams, MASTER_NAME, **{**MP4, **CLEAN, **options}).global_args(
        "-nostdin", "-hide_banner", "-v", "error", "-nostats", "-progress", "pipe:1"
    )


def _hidden(picture: Any, probe: Probe, grid: Grid, styles: Sequence[str], block: int, stride: int) -> Any:
    """The picture with the copies for each style laid over it, frame by frame, at its own times again."""
    branches = picture.filter("setpts", f"N*{stride}+if(gt(N,0),PTS-PREV_INPTS,0)").filter_multi_output(
        "split", 1 + len(styles)
    )
    shown = branches[0]
    for number, style in enumerate(styles, 1):
        copy = branches[number]
        copy = (
            copy.filter("pixelize", block, block)
            if style == "blur"
            else copy.filter("lutyuv", y=16, u=128, v=128)
        )
        over = ffmpeg.filter([copy, _mask(style, probe, grid, stride)], "alphamerge")
        shown = ffmpeg.overlay(shown, over, format="yuv420")
    return shown.filter("setpts", f"if(gt(N,0),PREV_OUTPTS+mod(PTS,{stride}),0)").filter("format", "yuv420p")


def _mask(style: str, probe: Probe, grid: Grid, stride: int) -> Any:
    size = f"{grid.columns}x{grid.rows}"
    stream = ffmpeg.input(f"file:{_MASKS[style]}", f="rawvideo", pix_fmt="monob", s=size, r=25)
    return (
        stream.filter("format", "gray")
        .filter("scale", grid.columns * CELL, grid.rows * CELL, flags="neighbor")
        .filter("crop", grid.width, grid.height, 0, 0)
        .filter("settb", str(probe.video.time_base))
        .filter("setpts", f"N*{stride}")
    )


def _encoding(probe: Probe, profile: Profile) -> dict[str, Any]:
    base = probe.video.time_base
    return {
        "c:v": "libx264",
        "preset": profile.preset,
        "crf": _CRF,
        "threads": profile.threads,
        # pictures stored as they are shown, as in the master: a clip may end after any of them
        "bf": 0,
        "force_key_frames": "source",
        "forced-idr": 1,
        "sc_threshold": 0,
        "g": _LONGEST_GOP,
        "bsf:v": NO_SEI,
        "fps_mode": "passthrough",
        "enc_time_base": f"{base.numerator}:{base.denominator}",
    }
