"""The frame ledger: one row for each frame of a recording, cited by everything that points into it.

Time is never `frame / fps`: it is the frame's own presentation time stamp, an integer in the source's time base.
The master has one frame for each source frame, so an ordinal means the same picture in both.

Format: Parquet; columns `ordinal` int32, `pts` int64, `duration` int64 (to the next frame), `key` bool (of the source),
`hash` 16 bytes (MurmurHash3 128 of the decoded picture, from ffmpeg's framehash muxer, version 2), `certain` bool
(false where a picture is damaged and another decoding may show something else); the time base is in the schema's
metadata as "numerator/denominator". Version 1 had no `certain`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from ingest.errors import FileRejected
from ingest.framehash import HASH_BYTES, Decoded, hashes_of
from ingest.packets import Packets
from ingest.parquet import read_whole
from ingest.rhythm import seconds_since

_SCHEMA = (
    ("ordinal", pa.int32()),
    ("pts", pa.int64()),
    ("duration", pa.int64()),
    ("key", pa.bool_()),
    ("hash", pa.binary(16)),
    ("certain", pa.bool_()),
)
_VERSION_1 = [name for name, _ in _SCHEMA[:-1]]


@dataclass(frozen=True, slots=True, eq=False)
class Ledger:
    """Frames in order of presentation. `pts` and `duration` (N,) int64 in `time_base` seconds; `key` (N,) bool;
    `hashes` (N, 16) uint8; `uncertain` ordinals of the frames whose picture no other decoding need give again."""

    time_base: Fraction
    pts: NDArray[np.int64]
    duration: NDArray[np.int64]
    key: NDArray[np.bool_]
    hashes: NDArray[np.uint8]
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
        certain = np.ones(self.frame_count, dtype=np.bool_)
        certain[list(self.uncertain)] = False
        columns = [
            np.arange(self.frame_count, dtype=np.int32),
            self.pts,
            self.duration,
            self.key,
            _to_arrow(self.hashes),
            certain,
        ]
        arrays = [pa.array(column, type=field[1]) for column, field in zip(columns, _SCHEMA, strict=True)]
        pq.write_table(
            pa.Table.from_arrays(arrays, schema=schema), path, compression="zstd", use_dictionary=False
        )

    @classmethod
    def read(cls, path: Path) -> Ledger:
        """Read what `write` wrote. Raises ValueError for a file that is not a ledger."""
        table = read_whole(path)
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
            hashes=_from_arrow(table["hash"]),
            uncertain=tuple(np.flatnonzero(~certain).tolist()),
        )


def _to_arrow(hashes: NDArray[np.uint8]) -> pa.Array:
    packed = pa.py_buffer(np.ascontiguousarray(hashes))
    return pa.FixedSizeBinaryArray.from_buffers(pa.binary(HASH_BYTES), len(hashes), [None, packed])


def _from_arrow(column: pa.ChunkedArray) -> NDArray[np.uint8]:
    chunks = [
        hashes_of(chunk.buffers()[1])[chunk.offset : chunk.offset + len(chunk)] for chunk in column.chunks
    ]
    return np.concatenate([hashes_of(b""), *chunks])


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
    hashes = np.concatenate([part.hashes for part in parts])
    key = _where(stamps, packets.pts[packets.key])
    uncertain = np.flatnonzero(~np.concatenate([part.certain for part in parts]))
    duration = np.append(gaps, max(1, last))
    return Ledger(parts[0].time_base, stamps, duration, key, hashes, tuple(uncertain.tolist()))


def _where(stamps: NDArray[np.int64], these: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which of the rising `stamps` (N,) are among `these`; `np.isin` would copy all of them several times."""
    found = np.zeros(len(stamps), dtype=np.bool_)
    at = np.searchsorted(stamps, these)
    inside = at < len(stamps)
    at, these = at[inside], these[inside]
    found[at[stamps[at] == these]] = True
    return found
