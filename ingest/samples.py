"""Pictures taken along the way, small and in colour: what fingerprints and visual features are computed from.

Two rhythms share one scaled branch: samples, one each half second, are kept as JPEGs; fingerprints are made of about
eight frames a second, those that Meta's grid of ordinals and its neighbours name (`ingest.fingerprint`).

Format of `samples.parquet`: columns `ordinal` int32 (in the ledger), `pts` int64 (the source's), `picture` (a JPEG,
square); the picture's side in pixels is in the schema's metadata. One row a sampled frame, in order, in groups of at
most 512.
Format of `fingerprint.parquet`: columns `ordinal` int32, `hash` (32 bytes), `quality` int32, rows in order.
"""

from __future__ import annotations

import io
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from PIL import Image

from ingest.errors import Unexplained
from ingest.fingerprint import SIDE, FrameHash, hash_picture, offsets_of, period_of, place, read_frames
from ingest.framehash import Decoded
from ingest.frames import Ledger
from ingest.parquet import read_groups
from ingest.rhythm import beats, select_expression

SAMPLES_NAME, FINGERPRINT_NAME = "samples.parquet", "fingerprint.parquet"
_QUALITY = 90
# Samples in a group of rows, at most: more than a chunk has, but for the only one of a file that cannot be cut.
_PICTURES = 512
_SAMPLES = pa.schema(
    [("ordinal", pa.int32()), ("pts", pa.int64()), ("picture", pa.binary())],
    metadata={"side": str(SIDE), "samples_version": "1"},
)
_FINGERPRINT = pa.schema([("ordinal", pa.int32()), ("hash", pa.binary(32)), ("quality", pa.int32())])


@dataclass(frozen=True, slots=True)
class Taking:
    """Which frames of a chunk are taken: its first frame's ordinal as the container lists it, the time in seconds of
    the frame before it, the recording's average rate, and the samples' rhythm in seconds."""

    first: int
    before: float | None
    rate: Fraction
    seconds: float

    def expression(self) -> str:
        """The rule for ffmpeg's `select`: those of both rhythms."""
        period = period_of(self.rate)
        grid = (f"eq(mod(n+{self.first % period},{period}),{offset})" for offset in offsets_of(self.rate))
        return f"gt({select_expression(self.seconds, self.before)}+{'+'.join(grid)},0)"

    def sampled(self, times: NDArray[np.float64]) -> NDArray[np.int64]:
        """Indices of the samples among the chunk's decoded frames, at `times` (N,) seconds."""
        return beats(times, self.seconds, self.before)

    def hashed(self, count: int) -> NDArray[np.int64]:
        """Indices of the frames to fingerprint among the chunk's `count` decoded ones."""
        places = (np.arange(count) + self.first) % period_of(self.rate)
        return np.flatnonzero(np.isin(places, offsets_of(self.rate)))


def write_chunk(raw: Path, folder: Path, decoded: Decoded, zero: int, taking: Taking) -> None:
    """Write both files for one chunk from the pictures taken of it, ordinals counting from its own first frame."""
    sampled, hashed = taking.sampled(decoded.seconds(zero)), taking.hashed(len(decoded.pts))
    taken = np.union1d(sampled, hashed)
    hashes: list[tuple[bytes, int]] = []
    made = _made(raw, np.isin(taken, sampled), np.isin(taken, hashed), hashes)
    with pq.ParquetWriter(folder / SAMPLES_NAME, _SAMPLES, compression="none") as out:
        for first in range(0, max(1, len(sampled)), _PICTURES):
            rows = sampled[first : first + _PICTURES]
            pictures = pa.array(islice(made, len(rows)), pa.binary())
            columns = [pa.array(rows, pa.int32()), pa.array(decoded.pts[rows], pa.int64()), pictures]
            out.write_table(pa.Table.from_arrays(columns, schema=_SAMPLES))
    deque(made, 0)  # what comes after the last sample
    digests, qualities = (
        pa.array([d for d, _ in hashes], pa.binary(32)),
        pa.array([q for _, q in hashes], pa.int32()),
    )
    found = pa.Table.from_arrays([pa.array(hashed, pa.int32()), digests, qualities], schema=_FINGERPRINT)
    pq.write_table(found, folder / FINGERPRINT_NAME, compression="none")


def _made(
    raw: Path, keep: NDArray[np.bool_], hash_it: NDArray[np.bool_], hashes: list[tuple[bytes, int]]
) -> Iterator[bytes]:
    """JPEGs of the pictures to keep, in turn; on the way hashes of those to hash are put to `hashes`.

    Raises Unexplained when there are more or fewer pictures.
    """
    count = 0
    for count, picture in enumerate(read_frames(raw), 1):
        if count <= len(keep) and hash_it[count - 1]:
            hashes.append(hash_picture(picture))
        if count <= len(keep) and keep[count - 1]:
            yield _jpeg(picture)
    if count != len(keep):
        raise Unexplained(f"{count} pictures were taken where {len(keep)} were due")


def join_chunks(parts: Sequence[Path], counts: Sequence[int], target: Path) -> None:
    """Join the chunks' files; `counts` are the chunks' numbers of frames, which move the ordinals.

    Each chunk's samples are grouped anew: earlier versions kept even those of hours in one group.
    """
    offsets = np.cumsum([0, *counts[:-1]]).tolist()
    for name, schema, rows in (
        (SAMPLES_NAME, _SAMPLES, _PICTURES),
        (FINGERPRINT_NAME, _FINGERPRINT, None),
    ):
        with pq.ParquetWriter(target / name, schema, compression="none") as writer:
            for part, offset in zip(parts, offsets, strict=True):
                for table in read_groups(part / name):
                    moved = pa.array(table["ordinal"].to_numpy() + offset, type=pa.int32())
                    writer.write_table(table.set_column(0, schema.field("ordinal"), moved), rows)


def read_samples(path: Path) -> Iterator[tuple[int, int, NDArray[np.uint8]]]:
    """(ordinal, PTS, picture of (side, side, 3) RGB) of each sample, in order, a few in memory at a time."""
    for batch in pq.ParquetFile(path).iter_batches(batch_size=64):
        for row in batch.to_pylist():
            with Image.open(io.BytesIO(row["picture"])) as picture:
                yield row["ordinal"], row["pts"], np.asarray(picture.convert("RGB"))


def read_fingerprint(path: Path, ledger: Ledger, rate: Fraction) -> list[FrameHash]:
    """The hashes of a recording whose average rate that is, on its ledger."""
    table = pq.read_table(path, schema=_FINGERPRINT)
    columns = (table[name].to_pylist() for name in ("ordinal", "hash", "quality"))
    return place(zip(*columns, strict=True), ledger, rate)


def _jpeg(picture: NDArray[np.uint8]) -> bytes:
    out = io.BytesIO()
    Image.fromarray(picture).save(out, "JPEG", quality=_QUALITY)
    return out.getvalue()
