"""Reads what ffmpeg's framehash muxer, version 2, says of the frames that it decoded."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import csv

from ingest.errors import FileRejected
from ingest.rhythm import seconds_since

HASH_BYTES = 16
# Fields of a line of FFmpeg's framehash muxer, version 2: libavformat/hashenc.c
_FRAMEHASH = {
    "stream": pa.int32(),
    "dts": pa.int64(),
    "pts": pa.int64(),
    "duration": pa.int64(),
    "size": pa.int64(),
    "hash": pa.string(),
}


@dataclass(frozen=True, slots=True, eq=False)
class Decoded:
    """What was said of the frames of one chunk, in the order they came: `pts` (N,) int64 and the last frame's
    `last_duration`, in `time_base` seconds; `hashes` (N, 16) uint8; `certain` (N,) bool, False for what did not come
    out again when it was decoded again."""

    time_base: Fraction
    pts: NDArray[np.int64]
    last_duration: int
    hashes: NDArray[np.uint8]
    certain: NDArray[np.bool_]

    def seconds(self, zero: int) -> NDArray[np.float64]:
        """Times (N,) in seconds from the PTS `zero`, computed as ffmpeg's filters do."""
        return seconds_since(zero, self.pts, self.time_base)


class Listed(NamedTuple):
    """One line: when the packet or picture is shown, in its stream's time base, how many bytes it has, their hash."""

    pts: int
    size: int
    hash: str


def take_listing(path: Path) -> list[Listed]:
    """Read and remove a short file of FFmpeg's framehash or framecrc muxer; none is an empty one."""
    if not path.exists():
        return []
    with path.open() as lines:
        rows = (line.split(",") for line in lines if not line.startswith("#"))
        found = [Listed(int(row[2]), int(row[4]), row[5].strip()) for row in rows]
    path.unlink()
    return found


def read_framehash(path: Path, *again: Path) -> Decoded:
    """Read the output of one run; each `again` that exists is that of another over the same frames.

    Raises FileRejected when no frame was decoded.
    """
    one = _read(path)
    if not len(one.pts):
        raise FileRejected("undecodable", "Not one picture of the file can be decoded.")
    certain = one.certain
    for other in again:
        if other.exists():
            certain = certain & _same(one, _read(other))
    return replace(one, certain=certain)


def _read(path: Path) -> Decoded:
    """A piece at a time: of hours there are hundreds of thousands of lines. Raises FileRejected."""
    pts, last, digests, sizes = [np.array([], dtype=np.int64)], 0, list[bytes](), set[int]()
    for rows in _rows(path):
        pts.append(rows["pts"].to_numpy())
        last = rows["duration"][-1].as_py()
        sizes.update(rows["size"].unique().to_pylist())
        digests.append(bytes.fromhex("".join(rows["hash"].to_pylist())))  # which passes over the blanks
    if len(sizes) > 1:
        raise FileRejected("undecodable", "The pictures change their size in the middle of the file.")
    stamps = np.concatenate(pts)
    hashes = hashes_of(b"".join(digests))
    return Decoded(_time_base(path), stamps, last, hashes, np.ones(len(stamps), dtype=np.bool_))


def _same(one: Decoded, other: Decoded) -> NDArray[np.bool_]:
    """Which of the frames of `one` are in `other` with the same hash at the same time."""
    _, at, there = np.intersect1d(one.pts, other.pts, return_indices=True)
    same = np.zeros(len(one.pts), dtype=np.bool_)
    same[at] = (one.hashes[at] == other.hashes[there]).all(axis=1)
    return same


def _rows(path: Path) -> Iterator[pa.RecordBatch]:
    """A framehash file's lines, a piece at a time."""
    with path.open("rb") as text:
        while (line := text.readline()).startswith(b"#"):
            pass
        if not line:
            return
        text.seek(-len(line), os.SEEK_CUR)
        yield from csv.open_csv(
            text,
            read_options=csv.ReadOptions(column_names=list(_FRAMEHASH), use_threads=False),
            convert_options=csv.ConvertOptions(column_types=_FRAMEHASH),
        )


def _time_base(path: Path) -> Fraction:
    """What a framehash file tells in its header."""
    with path.open() as text:
        for line in text:
            if line.startswith("#tb 0:"):
                return Fraction(line.split(":", 1)[1].strip())
            if not line.startswith("#"):
                break
    return Fraction(1)


def hashes_of(packed: pa.Buffer | bytes) -> NDArray[np.uint8]:
    """(N, 16) from N times 16 bytes, on the same memory: Python's own bytes would take five times as much."""
    return np.frombuffer(packed, dtype=np.uint8).reshape(-1, HASH_BYTES)
