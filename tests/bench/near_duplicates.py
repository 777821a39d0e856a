"""Finding near-duplicates among 1,000,000 stored hashes: one frame, and a whole recording of five minutes.

Ours asks the embedded PostgreSQL's index over its socket; the peer, faiss's flat binary index, which Meta's own matcher
uses, scans the same hashes in memory. Half of what is asked are copies of stored frames that differ in up to 14 bits,
half were never stored. Recordings: the peer only finds, ours also compares what it found frame by frame.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np

from app.core.db import Database
from app.core.migrate import upgrade
from app.embedded import EmbeddedPostgres
from app.recordings import fingerprints
from app.recordings.models import Fingerprint, Recording
from app.recordings.service import find_duplicates
from ingest.vpdq_match import MOST_BITS
from tests.bench.hash_corpus import FRAMES, Hashes, changed, corpus, fill
from tests.bench.rows import Goal, absent, compare

HASHES = int(os.environ.get("BENCH_HASHES", 1_000_000))
QUERIES = 100
RUNS = 5
SEED = 20261
PEER = "faiss IndexBinaryFlat in memory, as Meta's matcher has it"
NOBODY = UUID(int=0)
_FRAME = {"name": "near-duplicate query, p95", "unit": "ms", "peer_name": PEER, "goal": Goal("<", 50, "ms")}
_WHOLE = {
    "name": "near-duplicates of a recording",
    "unit": "s",
    "peer_name": PEER,
    "goal": Goal("<", 30, "s"),
}


def run() -> list[dict[str, Any]]:
    """Measures both and returns the rows of `make bench`; without faiss, rows that say so."""
    try:
        import faiss
    except ImportError as error:
        return [absent(**row, reason=str(error)) for row in (_FRAME, _WHOLE)]
    recordings = corpus(SEED, HASHES)
    stored = np.concatenate(recordings)
    peer = faiss.IndexBinaryFlat(256)
    peer.add(stored)
    faiss.omp_set_num_threads(1)
    with tempfile.TemporaryDirectory(prefix="bench-near-") as name:
        server = EmbeddedPostgres(Path(name))
        try:
            url = server.start()
            upgrade(url)
            database = Database(url)
            ids = fill(database, recordings)
            rows = [_one_frame(database, stored, peer), _whole_recording(database, recordings, ids, peer)]
            database.dispose()
        finally:
            server.destroy()
    data = f"{len(stored):,} synthetic hashes of {len(recordings):,} recordings, seed {SEED}"
    return [row | {"data": data} for row in rows]


def _one_frame(database: Database, stored: Hashes, peer: Any) -> dict[str, Any]:
    random = np.random.default_rng(SEED)
    pairs = []
    with database.transaction() as session:
        fingerprints.recordings_near(session, [bytes(32)], NOBODY, lambda: None)  # the transaction's settings
        for _ in range(RUNS + 1):
            copies = stored[random.integers(len(stored), size=QUERIES // 2)]
            fresh = random.integers(0, 256, (QUERIES // 2, 32), dtype=np.uint8)
            asked = np.concatenate([copies ^ changed(random, len(copies), 0, 14), fresh])
            mine = [_ms(lambda one=one: fingerprints.near(session, one.tobytes(), NOBODY)) for one in asked]
            theirs = [_ms(lambda one=one: peer.range_search(one[None], MOST_BITS + 1)) for one in asked]
            pairs.append((np.percentile(mine, 95), np.percentile(theirs, 95)))
    return _row(_FRAME, pairs[1:])  # the first run warms the cache


def _whole_recording(
    database: Database, recordings: list[Hashes], ids: list[UUID], peer: Any
) -> dict[str, Any]:
    random = np.random.default_rng(SEED)
    pairs = []
    for number in random.integers(len(recordings), size=RUNS).tolist():
        with database.transaction() as session:
            mark = {"md5": bytes(16), "frames": FRAMES, "comparable": FRAMES}
            session.add(Fingerprint(recording_id=ids[number], **mark))
            assert session.get_one(Recording, ids[number]).state == "ready"
            mine = _ms(lambda at=number, s=session: find_duplicates(s, ids[at], lambda: None))
        theirs = _ms(lambda at=number: peer.range_search(recordings[at], MOST_BITS + 1))
        pairs.append((mine / 1000, theirs / 1000))
    return _row(_WHOLE, pairs)


def _row(about: dict[str, Any], pairs: list[tuple[float, float]]) -> dict[str, Any]:
    return compare(ours=[one[0] for one in pairs], peer=[one[1] for one in pairs], data="", **about)


def _ms(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - started)
