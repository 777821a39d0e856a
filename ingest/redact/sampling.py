"""Sampled frames of a master as small RGB pictures, a window at a time, so that an hour needs no more room than a
minute. Windows start at key frames, where a seek is exact; within them frames are counted, never timed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import ffmpeg
import numpy as np
from numpy.typing import NDArray

from ingest.errors import Unexplained
from ingest.ffmpeg import input_options
from ingest.frames import Ledger
from ingest.workspace import SOURCE_NAME, Workspace

_WINDOW_SECONDS = 20
_PICTURES = "sampled.rgb"


@dataclass(frozen=True, slots=True)
class Raster:
    """How pictures are handed to a detector: `width` by `height` pixels, of which the picture itself fills
    `inner_width` by `inner_height` from the top left corner; the rest is black."""

    width: int
    height: int
    inner_width: int
    inner_height: int


def sampled_frames(
    workspace: Workspace, ledger: Ledger, keys: NDArray[np.int64], raster: Raster, step: int
) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    """Each `step`-th frame's ordinal and its picture, (height, width, 3) RGB. The workspace's source is the master;
    `keys` are ordinals of its key frames. Raises Unexplained when a window does not give the frames it holds."""
    for start, end in windows(ledger, keys):
        wanted = range(-(-start // step) * step, end, step)
        if wanted:
            pictures = _decode(workspace, ledger, start, wanted, raster)
            yield from zip(wanted, pictures, strict=True)


def windows(ledger: Ledger, keys: NDArray[np.int64]) -> list[tuple[int, int]]:
    """Intervals of frames from key frame to key frame, each of about 20 seconds; together every frame once."""
    starts = [0]
    for key in keys.tolist():
        if ledger.time_of(key) - ledger.time_of(starts[-1]) >= _WINDOW_SECONDS:
            starts.append(key)
    return list(zip(starts, [*starts[1:], ledger.frame_count], strict=True))


def _decode(
    workspace: Workspace, ledger: Ledger, start: int, wanted: range, raster: Raster
) -> NDArray[np.uint8]:
    argv = workspace.compile(_graph(workspace, ledger, start, wanted, raster))
    seconds = float(ledger.time_of(wanted[-1]) - ledger.time_of(start))
    done = workspace.run(argv, media_seconds=seconds)
    target = workspace.path / _PICTURES
    frame_bytes = raster.width * raster.height * 3
    if done.status != 0 or target.stat().st_size != frame_bytes * len(wanted):
        last = (done.stderr.splitlines() or ["the frames are not as many as the ledger names"])[-1]
        raise Unexplained(f"the master could not be looked at: {last}")
    return np.fromfile(target, dtype=np.uint8).reshape(len(wanted), raster.height, raster.width, 3)


def _graph(workspace: Workspace, ledger: Ledger, start: int, wanted: range, raster: Raster) -> Any:
    # Seek to the middle of the key frame: rounding to microseconds must not fall on the one before.
    middle = (ledger.time_of(start) + ledger.time_of(start + 1)) / 2
    source = ffmpeg.input(
        f"file:{SOURCE_NAME}",
        **{"ss": f"{float(middle):.6f}", "noaccurate_seek": None},
        **input_options(workspace.limits),
    )
    pictures = (
        source["v:0"]
        .filter("select", f"not(mod(n-{wanted[0] - start},{wanted.step}))*gte(n,{wanted[0] - start})")
        .filter("scale", raster.inner_width, raster.inner_height, flags="area")
        .filter("pad", raster.width, raster.height)
    )
    options = {"pix_fmt": "rgb24", "f": "rawvideo", "frames:v": len(wanted), "fps_mode": "passthrough"}
    return ffmpeg.output(pictures, _PICTURES, **options).global_args(
        "-nostdin", "-hide_banner", "-v", "error"
    )
