"""Which parts of each frame are hidden, as a stream of small pictures that ffmpeg lays over the master.

A mask has one bit for each cell of 8 by 8 pixels, and a frame of it for each frame of the ledger: a hundred moving
boxes cost ffmpeg what one does. Boxes are widened to whole cells.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import ceil, floor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ingest.redact.boxes import Box
from ingest.redact.regions import Region

CELL = 8
_LEAST_BLOCK, _BLOCKS_ACROSS = 16, 4


@dataclass(frozen=True, slots=True)
class Grid:
    """Cells over a picture of `width` by `height` pixels; the last row and column may reach beyond it."""

    width: int
    height: int

    @property
    def columns(self) -> int:
        return -(-self.width // CELL)

    @property
    def rows(self) -> int:
        return -(-self.height // CELL)

    def cover(self, cells: NDArray[np.bool_], box: Box) -> None:
        """Mark every cell, (rows, columns), that the box touches."""
        left, right = box.x * self.width / CELL, (box.x + box.width) * self.width / CELL
        top, bottom = box.y * self.height / CELL, (box.y + box.height) * self.height / CELL
        cells[max(0, floor(top)) : ceil(bottom), max(0, floor(left)) : ceil(right)] = True


def masks(regions: Iterable[Region], grid: Grid, frames: Iterable[int]) -> Iterator[NDArray[np.bool_]]:
    """Hidden cells, (rows, columns), of each of the rising `frames`."""
    waiting = sorted((r for r in regions if r.keyframes), key=lambda r: r.start_frame, reverse=True)
    live: list[Region] = []
    for frame in frames:
        while waiting and waiting[-1].start_frame <= frame:
            live.append(waiting.pop())
        live = [region for region in live if frame < region.end_frame]
        cells = np.zeros((grid.rows, grid.columns), dtype=np.bool_)
        for region in live:
            box = region.box_at(frame)
            if box is not None:
                grid.cover(cells, box)
        yield cells


def write_masks(path: Path, regions: Sequence[Region], grid: Grid, frame_count: int) -> None:
    """Write the stream as ffmpeg's raw `monob`: rows of bits, most significant first, padded to bytes; 1 is hidden."""
    with path.open("wb") as stream:
        for cells in masks(regions, grid, range(frame_count)):
            stream.write(np.packbits(cells, axis=1).tobytes())


def block_size(regions: Iterable[Region], grid: Grid) -> int:
    """Pixels of a blur's blocks, a multiple of the cell: so large that no box is more than four across."""
    sides = [
        max(keyframe.box.width * grid.width, keyframe.box.height * grid.height)
        for region in regions
        for keyframe in region.keyframes
    ]
    wanted = max([_LEAST_BLOCK, *(side / _BLOCKS_ACROSS for side in sides)])
    return ceil(wanted / CELL) * CELL
