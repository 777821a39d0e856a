"""The frame ledger: one row for each frame of a recording, cited by everything that points into it.

Time is never `frame / fps`: it is the frame's own presentation time stamp, an integer in the source's time base.
The master has one frame for each source frame, so an ordinal means the same picture in both.

Format: Parquet; columns `ordinal` int32, `pts` int64, `duration` int64 (to the next frame), `key` bool (of the source),
`hash` 16 bytes (MurmurHash3 128 of the decoded picture, from ffmpeg's framehash muxer, version 2), `certain` bool
(false where a picture is damaged and another decoding may show something else); the time base is in the schema's
metadata as "numerator/denominator". Version 1 had no `certain`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from pyarrow import csv

from ingest.errors import FileRejected
from ingest.packets import Packets
from ingest.rhythm import seconds_since

# Arrow's own pools keep what was freed for later: a long recording ends with more of it than it needs.
pa.set_memory_pool(pa.system_memory_pool())

_SCHEMA = (
    ("ordinal", pa.int32()),
    ("pts", pa.int64()),
    ("duration", pa.int64()),
    ("key", pa.bool_()),
    ("hash", pa.binary(16)),
    ("certain", pa.bool_()),
)
_VERSION_1 = [name for name, _ in _SCHEMA[:-1]]
_HASH_BYTES = 16
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
class Ledger:
    """Frames in order of presentation. `pts` and `duration` (N,) int64 in `time_base` seconds; `key` (N,) bool;
    `hashes` N times 16 bytes; `uncertain` ordinals of the frames whose picture no other decoding need give again."""

    time_base: Fraction
    pts: NDArray[np.int64]
    duration: NDArray[np.int64]
    key: NDArray[np.bool_]
    hashes: tuple[bytes, ...]
    uncertain: tuple[int, ...] = ()

    @property
    def frame_count(self) -> int:
        """Number of frames, N."""
        return len(self.pts)

    @property
    def end_pts(self) -> int:
        """Presentation time at which the last frame ends, in `time_base`."""
        return int(self.pts[-1] + self.duration[-1])

    def pts_of(self, ordinal: int) -> int:
        """Source PTS of frame `ordinal`; of `frame_count`, the end. Raises IndexError outside 0…frame_count."""
        if not 0 <= ordinal <= self.frame_count:
            raise IndexError(f"frame {ordinal} is not in 0…{self.frame_count}")
        return self.end_pts if ordinal == self.frame_count else int(self.pts[ordinal])

    def time_of(self, ordinal: int) -> Fraction:
        """Exact seconds from the first frame to frame `ordinal`, as the master and its player count them."""
        return (self.pts_of(ordinal) - int(self.pts[0])) * self.time_base

    def seconds(self, zero: int) -> NDArray[np.float64]:
        """Times (N,) in seconds from the PTS `zero`, rounded as ffmpeg's filters do: for rules that they share."""
        return seconds_since(zero, self.pts, self.time_base)

    def frame_at(self, time: Fraction | float) -> int:
        """Ordinal of the frame on show at `time` seconds after the first; clamped to the first and the last."""
        target = int(self.pts[0]) + Fraction(time) / self.time_base
        return max(0, int(np.searchsorted(self.pts, target.__floor__(), side="right")) - 1)

    def write(self, path: Path) -> None:
        """Write Parquet; equal ledgers give equal bytes under one version of pyarrow."""
        schema = pa.schema(_SCHEMA, metadata={"time_base": str(self.time_base), "ledger_version": "2"})
        columns = [
            np.arange(self.frame_count, dtype=np.int32),
            self.pts,
            self.duration,
            self.key,
            list(self.hashes),
            ~np.isin(np.arange(self.frame_count), self.uncertain),
        ]
        arrays = [pa.array(column, type=field[1]) for column, field in zip(columns, _SCHEMA, strict=True)]
        pq.write_table(
            pa.Table.from_arrays(arrays, schema=schema), path, compression="zstd", use_dictionary=False
        )

    @classmethod
    def read(cls, path: Path) -> Ledger:
        """Read what `write` wrote. Raises ValueError for a file that is not a ledger."""
        table = pq.read_table(path)
        metadata = table.schema.metadata or {}
        known = ([name for name, _ in _SCHEMA], _VERSION_1)
        if b"time_base" not in metadata or table.column_names not in known:
            raise ValueError(f"{path.name} is not a frame ledger")
        certain = table["certain"].to_numpy() if "certain" in table.column_names else np.True_
        return cls(
            time_base=Fraction(metadata[b"time_base"].decode()),
            pts=table["pts"].to_numpy(),
            duration=table["duration"].to_numpy(),
            key=table["key"].to_numpy(),
            hashes=tuple(table["hash"].to_pylist()),
            uncertain=tuple(np.flatnonzero(~certain).tolist()),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Decoded:
    """What ffmpeg's framehash muxer said of the frames of one chunk, in the order they came: `pts` (N,) int64 and the
    last frame's `last_duration`, in `time_base` seconds; `hashes` N times 16 bytes, one after the other; `certain`
    (N,) bool, False for what did not come out again when it was decoded again."""

    time_base: Fraction
    pts: NDArray[np.int64]
    last_duration: int
    hashes: bytes
    certain: NDArray[np.bool_]

    def seconds(self, zero: int) -> NDArray[np.float64]:
        """Times (N,) in seconds from the PTS `zero`, computed as ffmpeg's filters do."""
        return seconds_since(zero, self.pts, self.time_base)


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
    return Decoded(_time_base(path), stamps, last, b"".join(digests), np.ones(len(stamps), dtype=np.bool_))


def _same(one: Decoded, other: Decoded) -> NDArray[np.bool_]:
    """Which of the frames of `one` are in `other` with the same hash at the same time."""
    mine, theirs = (
        np.frombuffer(run.hashes, dtype=np.uint8).reshape(-1, _HASH_BYTES) for run in (one, other)
    )
    _, at, there = np.intersect1d(one.pts, other.pts, return_indices=True)
    same = np.zeros(len(one.pts), dtype=np.bool_)
    same[at] = (mine[at] == theirs[there]).all(axis=1)
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


def _each(hashes: bytes) -> Iterator[bytes]:
    return (hashes[at : at + _HASH_BYTES] for at in range(0, len(hashes), _HASH_BYTES))


def refuse_standing_time(pts: NDArray[np.int64]) -> None:
    """Refuse pictures whose times do not rise: no rule of rhythm holds for them."""
    gaps = np.diff(pts)
    if len(gaps) and gaps.min() <= 0:
        where = int(np.argmin(gaps)) + 1
        raise FileRejected("unusable_timing", f"The file's time stamps do not rise: see picture {where}.")


def make_ledger(parts: Sequence[Decoded], packets: Packets) -> Ledger:
    """Join the frames of all chunks, in order, and the container's key flags to the ledger.

    Raises FileRejected when two frames claim one time.
    """
    stamps = np.concatenate([part.pts for part in parts])
    refuse_standing_time(stamps)
    gaps = np.diff(stamps)
    last = parts[-1].last_duration or (int(np.median(gaps)) if len(gaps) else 1)
    hashes = tuple(one for part in parts for one in _each(part.hashes))
    key = np.isin(stamps, packets.pts[packets.key])
    uncertain = np.flatnonzero(~np.concatenate([part.certain for part in parts]))
    duration = np.append(gaps, max(1, last))
    return Ledger(parts[0].time_base, stamps, duration, key, hashes, tuple(uncertain.tolist()))


def _time_base(path: Path) -> Fraction:
    """What a framehash file tells in its header."""
    with path.open() as text:
        for line in text:
            if line.startswith("#tb 0:"):
                return Fraction(line.split(":", 1)[1].strip())
            if not line.startswith("#"):
                break
    return Fraction(1)
