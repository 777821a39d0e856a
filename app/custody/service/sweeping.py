"""Erasures whose job gave up are begun again, for as long as it takes: a store may be away for days."""

from __future__ import annotations

from app.core.db import Database
from app.custody import queries
from app.jobs import defer, status_of

ALIVE = ("todo", "doing", "aborting")


def resume_erasures(db: Database) -> int:
    """Enqueues every confirmed erasure that no job works on; how many."""
    with db.transaction() as session:
        stalled = [
            one
            for one in queries.stalled_erasures(session)
            if one.job_id is None or status_of(session, one.job_id) not in ALIVE
        ]
        for erasure in stalled:
            erasure.job_id = defer(session, "custody.erase", erasure_id=erasure.id)
    return len(stalled)
