"""The corpus that near-duplicates are looked for in: what is measured must still be what the service stores."""

from __future__ import annotations

from uuid import UUID

import numpy as np

from app.core.db import Database
from app.recordings import fingerprints
from tests.bench.hash_corpus import corpus, fill


def test_stored_hashes_are_found_by_the_services_own_query(database: Database) -> None:
    recordings = corpus(1, 1000)
    fill(database, recordings)
    assert sum(map(len, recordings)) == 1000
    asked = np.concatenate(recordings)[7].tobytes()
    with database.transaction() as session:
        fingerprints.recordings_near(
            session, [bytes(32)], UUID(int=0), lambda: None
        )  # the transaction's settings
        assert len(fingerprints.near(session, asked, UUID(int=0))) >= 1
