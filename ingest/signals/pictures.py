"""Three figures a frame from small grey pictures: how light, how much of it dark, how much changed.

Input: `gray.raw`, every frame of the recording (or of one chunk of it) in order of presentation as 64 by 36 pixels of
one byte, full range (0 black, 255 white), without header. The figures are whole numbers and each needs a frame and the
one before, so that chunks measured apart and joined are exactly what the whole would have given.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

WIDTH, HEIGHT = 64, 36
PIXELS = WIDTH * HEIGHT
# FFmpeg's blackdetect: a pixel is black up to 0.10 of the range, here of 255 (libavfilter/vf_blackdetect.c)
BLACK_LEVEL = 25
_BLOCK_FRAMES = 256

Counts = NDArray[np.uint32]
Picture = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class PictureSignals:
    """Of N ≥ 1 frames, all (N,) uint32: `light`, the sum of all pixels; `dark`, the number of pixels at most
    BLACK_LEVEL; `change`, the sum of absolute differences to the frame before (0 for the first).

    `first` and `last` are those pictures, (PIXELS,) uint8: what joining needs.
    """

    light: Counts
    dark: Counts
    change: Counts
    first: Picture
    last: Picture

    @property
    def frame_count(self) -> int:
        """Number of frames, N."""
        return len(self.light)

    def save(self, path: Path) -> None:
        """Write as a NumPy archive, for one chunk's results on their way to the join."""
        with path.open("wb") as stream:
            np.savez(stream, **{name: getattr(self, name) for name in _FIELDS})

    @classmethod
    def load(cls, path: Path) -> PictureSignals:
        """Read what `save` wrote. Raises KeyError or ValueError for another file."""
        with np.load(path, allow_pickle=False) as stored:
            return cls(**{name: stored[name] for name in _FIELDS})


_FIELDS = ("light", "dark", "change", "first", "last")


def read_pictures(path: Path, block_frames: int = _BLOCK_FRAMES) -> PictureSignals:
    """Measure a `gray.raw`, in blocks. Raises ValueError when it is empty or not a whole number of pictures."""
    blocks = _blocks(path, block_frames)
    return join([_measure(block) for block in blocks])


def _blocks(path: Path, block_frames: int) -> Iterator[Picture]:
    size = path.stat().st_size
    if size == 0 or size % PIXELS:
        raise ValueError(f"{path.name} has {size} bytes, not a whole number of {WIDTH}x{HEIGHT} pictures")
    with path.open("rb") as stream:
        while data := stream.read(block_frames * PIXELS):
            yield np.frombuffer(data, dtype=np.uint8).reshape(-1, PIXELS)


def _measure(pictures: Picture) -> PictureSignals:
    """Measure pictures (N, PIXELS) that lie in memory."""
    change = np.zeros(len(pictures), dtype=np.uint32)
    change[1:] = _difference(pictures[:-1], pictures[1:])
    return PictureSignals(
        light=pictures.sum(axis=1, dtype=np.uint32),
        dark=np.count_nonzero(pictures <= BLACK_LEVEL, axis=1).astype(np.uint32),
        change=change,
        first=pictures[0].copy(),
        last=pictures[-1].copy(),
    )


def _difference(before: Picture, after: Picture) -> Counts:
    """Sums of absolute differences, without leaving bytes."""
    apart = np.maximum(before, after) - np.minimum(before, after)
    sums: Counts = apart.sum(axis=-1, dtype=np.uint32)
    return sums


def join(parts: Sequence[PictureSignals]) -> PictureSignals:
    """Join neighbouring parts, in order: equal to the signals of the whole. Raises ValueError for no parts."""
    if not parts:
        raise ValueError("there is nothing to join")
    change = [parts[0].change]
    for before, after in pairwise(parts):
        seam = np.array([_difference(before.last, after.first)], dtype=np.uint32)
        change += [seam, after.change[1:]]
    return PictureSignals(
        light=np.concatenate([part.light for part in parts]),
        dark=np.concatenate([part.dark for part in parts]),
        change=np.concatenate(change),
        first=parts[0].first,
        last=parts[-1].last,
    )
