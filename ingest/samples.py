"""Pictures taken twice a second, small and in colour: what fingerprints and visual features are computed from.

Format: Parquet; columns `ordinal` int32 (in the ledger), `pts` int64 (the source's), `picture` (a JPEG, square); the
picture's side in pixels is in the schema's metadata. One row a sampled frame, in order.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from PIL import Image

from ingest.errors import Unexplained
from ingest.frames import Decoded
from ingest.profiles import Profile
from ingest.rhythm import beats

SAMPLES_NAME = "samples.parquet"
_QUALITY = 90
_SCHEMA = pa.schema([("ordinal", pa.int32()), ("pts", pa.int64()), ("picture", pa.binary())])

Picture = NDArray[np.uint8]


def read_raw(path: Path, side: int) -> Iterator[Picture]:
    """Pictures (side, side, 3) of a file of raw RGB, one after the other."""
    size = side * side * 3
    with path.open("rb") as stream:
        while data := stream.read(size):
            if len(data) != size:
                raise Unexplained(f"{path.name} ends within a picture")
            yield np.frombuffer(data, dtype=np.uint8).reshape(side, side, 3)


def write_chunk(
    raw: Path, target: Path, decoded: Decoded, zero: int, before: float | None, profile: Profile
) -> None:
    """Write the samples of one chunk, ordinals counting from its own first frame."""
    taken = beats(decoded.seconds(zero), profile.sample_seconds, before)
    pictures = [_jpeg(picture) for picture in read_raw(raw, profile.sample_side)]
    if len(pictures) != len(taken):
        raise Unexplained(f"{len(pictures)} pictures were sampled where {len(taken)} were due")
    _write(target, taken, decoded.pts[taken], pictures, profile)


def join_samples(parts: Sequence[Path], counts: Sequence[int], target: Path, profile: Profile) -> None:
    """Join the chunks' samples; `counts` are the chunks' numbers of frames, which move the ordinals."""
    schema = _schema(profile)
    with pq.ParquetWriter(target, schema, compression="none") as writer:
        for part, offset in zip(parts, np.cumsum([0, *counts[:-1]]).tolist(), strict=True):
            table = pq.read_table(part, schema=schema)
            moved = pa.array(table["ordinal"].to_numpy() + offset, type=pa.int32())
            writer.write_table(table.set_column(0, schema.field("ordinal"), moved))


def read_samples(path: Path) -> Iterator[tuple[int, int, Picture]]:
    """(ordinal, PTS, picture of (side, side, 3) RGB) of each sample, in order, a few in memory at a time."""
    for batch in pq.ParquetFile(path).iter_batches(batch_size=64):
        for row in batch.to_pylist():
            with Image.open(io.BytesIO(row["picture"])) as picture:
                yield row["ordinal"], row["pts"], np.asarray(picture.convert("RGB"))


def _jpeg(picture: Picture) -> bytes:
    out = io.BytesIO()
    Image.fromarray(picture).save(out, "JPEG", quality=_QUALITY)
    return out.getvalue()


def _schema(profile: Profile) -> pa.Schema:
    return _SCHEMA.with_metadata({"side": str(profile.sample_side), "samples_version": "1"})


def _write(
    target: Path, ordinals: NDArray[np.int64], pts: NDArray[np.int64], pictures: list[bytes], profile: Profile
) -> None:
    columns = [pa.array(ordinals, type=pa.int32()), pa.array(pts, type=pa.int64()), pa.array(pictures)]
    pq.write_table(pa.Table.from_arrays(columns, schema=_schema(profile)), target, compression="none")
