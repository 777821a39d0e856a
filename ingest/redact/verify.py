"""Looks at a redacted master as an outsider would: decoded again, beside the master it was made of.

Both are reduced to the mean grey of each cell of 8 by 8 pixels. Where nothing is hidden the two may differ by what a
second coding costs; where something is, the redacted one must hold what hiding leaves, black or the mean of a whole
block, and nothing finer.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import ffmpeg
import numpy as np
from numpy.typing import NDArray

from ingest.errors import Unexplained
from ingest.ffmpeg import input_options
from ingest.graph import MASTER_NAME
from ingest.redact.masks import CELL, Grid, masks
from ingest.redact.regions import Region
from ingest.workspace import SOURCE_NAME, Workspace

_BEFORE, _AFTER = "before.gray", "after.gray"
_BLACK = 16
# Grey levels of 255. A second coding moved cells by up to 3 in trials; what was not hidden would differ by tens.
_MOST_OUTSIDE, _MOST_INSIDE = 6.0, 12.0
Cells = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Verified:
    """What was seen in so many frames, in grey levels: the largest mean difference of a frame's untouched cells, and
    the largest deviation of a hidden cell from black or from its block's mean."""

    frames: int
    outside: float
    inside: float


def verify(
    workspace: Workspace,
    grid: Grid,
    regions: Sequence[Region],
    frames: NDArray[np.int64],
    block: int,
    *,
    keys: bool,
) -> Verified:
    """Compare the workspace's source with MASTER_NAME beside it; raises Unexplained where something shows.

    `frames` are the ordinals of all frames, or with `keys` of the key frames: then only those are decoded, which
    costs next to nothing.
    """
    _decode(workspace, SOURCE_NAME, _BEFORE, grid, keys=keys)
    _decode(workspace, MASTER_NAME, _AFTER, grid, keys=keys)
    blurred = masks((r for r in regions if r.style == "blur"), grid, frames.tolist())
    filled = masks((r for r in regions if r.style == "mask"), grid, frames.tolist())
    pictures = zip(
        _pictures(workspace, _BEFORE, grid), _pictures(workspace, _AFTER, grid), blurred, filled, strict=True
    )
    outside = inside = 0.0
    for before, after, soft, black in pictures:
        outside = max(outside, _difference(before, after, ~_grown(soft | black)))
        inside = max(inside, _deviation(after, np.full_like(after, _BLACK), black))
        soft &= ~black & ~_edge(grid)
        inside = max(inside, _deviation(after, _block_levels(after, soft, block), soft))
    if outside > _MOST_OUTSIDE or inside > _MOST_INSIDE:
        raise Unexplained(f"the redacted master is not what it should be: {outside=:.1f}, {inside=:.1f}")
    return Verified(len(frames), outside, inside)


def _decode(workspace: Workspace, name: str, target: str, grid: Grid, *, keys: bool) -> None:
    options = {"skip_frame": "nokey"} if keys else {}
    source = ffmpeg.input(f"file:{name}", **options, **input_options(workspace.limits))
    cells = (
        source["v:0"]
        .filter("extractplanes", "y")
        .filter("pad", grid.columns * CELL, grid.rows * CELL)
        .filter("scale", grid.columns, grid.rows, flags="area")
    )
    raw = {"f": "rawvideo", "pix_fmt": "gray", "fps_mode": "passthrough"}
    argv = workspace.compile(ffmpeg.output(cells, target, **raw).global_args("-nostdin", "-v", "error"))
    done = workspace.run(argv, media_seconds=3600.0)
    if done.status != 0:
        raise Unexplained(f"{name} cannot be decoded: {(done.stderr.splitlines() or ['no message'])[-1]}")


def _pictures(workspace: Workspace, name: str, grid: Grid) -> Iterator[Cells]:
    size = grid.columns * grid.rows
    with (workspace.path / name).open("rb") as stream:
        while data := stream.read(size):
            yield np.frombuffer(data, np.uint8).reshape(grid.rows, grid.columns).astype(np.float64)


def _grown(cells: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """With the cells beside them: a codec's blocks reach over an edge."""
    wide = np.pad(cells, 1)
    rows, columns = cells.shape
    shifted = [wide[y : y + rows, x : x + columns] for y in range(3) for x in range(3)]
    grown: NDArray[np.bool_] = np.logical_or.reduce(shifted)
    return grown


def _edge(grid: Grid) -> NDArray[np.bool_]:
    """Cells that reach beyond the picture, whose means padding falsifies."""
    cells = np.zeros((grid.rows, grid.columns), dtype=np.bool_)
    cells[:, grid.width // CELL :] = True
    cells[grid.height // CELL :, :] = True
    return cells


def _difference(a: Cells, b: Cells, where: NDArray[np.bool_]) -> float:
    return float(np.abs(a - b)[where].mean()) if where.any() else 0.0


def _deviation(a: Cells, b: Cells, where: NDArray[np.bool_]) -> float:
    return float(np.abs(a - b)[where].max()) if where.any() else 0.0


def _block_levels(cells: Cells, where: NDArray[np.bool_], block: int) -> Cells:
    """Each block's hidden cells replaced by their median; blocks are laid from the top left corner."""
    side = max(1, block // CELL)
    levels = cells.copy()
    for top in range(0, cells.shape[0], side):
        for left in range(0, cells.shape[1], side):
            place = np.s_[top : top + side, left : left + side]
            if where[place].any():
                levels[place] = np.median(cells[place][where[place]])
    return levels
