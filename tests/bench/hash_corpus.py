"""A million PDQ hashes as a corpus of footage has them, from a seed, in a database of their own.

Synthetic, after what real footage showed (docs/fingerprints.md): at two frames a second a camera that moves changes 30
to 80 of 256 bits from frame to frame, one that rests hardly any, a cut all of them. A tenth of the recordings are
copies of others; a twentieth show one of twenty fixed views, so that the index has keys with thousands of entries.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import numpy as np
import psycopg
from numpy.typing import NDArray
from sqlalchemy import Index

from app.core.db import Database
from app.recordings.fingerprints import bands_of
from app.recordings.models import FrameHash, Recording
from app.uploads.models import Upload
from tests.factories.rows import SAME_ID, fill_every_table

Hashes = NDArray[np.uint8]  # (N, 32)
FRAMES = 600  # of one recording: five minutes
_BITS = [format(value, "08b") for value in range(256)]
_CLONE = """
    INSERT INTO {table} ({columns}) SELECT {columns} FROM (SELECT (jsonb_populate_record(one, jsonb_build_object(
      'id', new.id, 'upload_id', new.id, 'state', '{state}', 'length', 1,
      'sha256', '\\x' || repeat(md5(new.id::text), 2)))).*
    FROM {table} one, unnest(%s::uuid[]) AS new(id) WHERE one.id = %s) AS made
"""


def changed(random: np.random.Generator, count: int, least: int, most: int) -> Hashes:
    """Masks with that many bits set, each count in the range alike."""
    wanted = random.integers(least, most + 1, (count, 1))
    return np.packbits(random.random((count, 256)).argsort(axis=1) < wanted, axis=1)


def corpus(seed: int, total: int) -> list[Hashes]:
    """Recordings of FRAMES hashes, `total` together."""
    random = np.random.default_rng(seed)
    views = random.integers(0, 256, (20, 32), dtype=np.uint8)
    made: list[Hashes] = []
    for start in range(0, total, FRAMES):
        count = min(FRAMES, total - start)
        kind = random.random()
        if made and kind < 0.10:
            source = made[random.integers(len(made))][:count]
            made.append(source ^ changed(random, len(source), 0, 14))
        elif kind < 0.15:
            made.append(views[random.integers(20)] ^ changed(random, count, 0, 16))
        else:
            made.append(_filmed(random, count, moving=kind < 0.66))
    return made


def _filmed(random: np.random.Generator, count: int, *, moving: bool) -> Hashes:
    steps = changed(random, count, 30, 80) if moving else changed(random, count, 0, 12)
    cuts = random.random(count) < 0.02
    cuts[0] = True
    steps[cuts] = random.integers(0, 256, (int(cuts.sum()), 32), dtype=np.uint8)
    return np.bitwise_xor.accumulate(steps, axis=0)


def fill(database: Database, recordings: list[Hashes]) -> list[UUID]:
    """Writes a row for each recording and hash, then builds the index anew, as a restore would; the ids."""
    ids = [UUID(int=number + 2) for number in range(len(recordings))]
    index = next(one for one in FrameHash.__table__.indexes if one.name == "ix_frame_hashes_bands")
    with database.engine.begin() as connection:
        fill_every_table(connection)
        driver: Any = connection.connection.driver_connection
        _write(driver, index, recordings, ids)
        index.create(connection)
    with database.engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        connection.exec_driver_sql("VACUUM ANALYZE frame_hashes")
    return ids


def _write(driver: psycopg.Connection[Any], index: Index, recordings: list[Hashes], ids: list[UUID]) -> None:
    for model, state in ((Upload, "recorded"), (Recording, "ready")):
        stored = ", ".join(f'"{one.name}"' for one in model.__table__.columns if one.computed is None)
        clone = _CLONE.format(table=model.__tablename__, columns=stored, state=state)
        driver.execute(clone, (ids, SAME_ID))
    driver.execute(f"DROP INDEX {index.name}")
    driver.execute("SET LOCAL maintenance_work_mem = '256MB'")
    with (
        driver.cursor() as cursor,
        cursor.copy(
            "COPY frame_hashes (recording_id, ordinal, pts, hash, quality, bands) FROM STDIN"
        ) as copy,
    ):
        for recording_id, hashes in zip(ids, recordings, strict=True):
            copy.write("".join(_lines(recording_id, hashes)))


def _lines(recording_id: UUID, hashes: Hashes) -> Iterator[str]:
    for number, one in enumerate(hashes):
        bits = "".join(_BITS[value] for value in one)
        bands = ",".join(map(str, bands_of(one.tobytes())))
        yield f"{recording_id}\t{15 * number}\t{500 * number}\t{bits}\t100\t{{{bands}}}\n"
