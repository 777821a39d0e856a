"""Ending renderings that cannot end by themselves, and removing what crashed ones left in the store."""

from __future__ import annotations

from itertools import groupby
from uuid import UUID

from app.core.db import Database
from app.jobs import status_of
from app.redaction import queries
from app.redaction.models import Redaction
from app.redaction.service.lifecycle import ALIVE
from app.redaction.service.rendering import GONE, ROOT, fail
from app.storage.vault import Vault

GAVE_UP = "The service failed to render it: the operator's log says why; approve it again"


def fail_abandoned(db: Database) -> None:
    """Fails redactions whose job gave up: a person reads why, and nothing is 'rendering' for ever."""
    with db.transaction() as session:
        ended = [
            (one.id, one.job_id, GAVE_UP if one.recording.state == "ready" else GONE)
            for one in queries.unfinished(session)
            if one.job_id is None or status_of(session, one.job_id) not in ALIVE
        ]
    for redaction_id, job_id, reason in ended:
        with db.transaction() as session:
            fail(session, redaction_id, reason, job_id=job_id)


def remove_strays(db: Database, vault: Vault, prefix: str = ROOT) -> int:
    """Deletes objects of redactions that no row names; how many. Those being rendered are left alone."""
    removed = 0
    for name, keys in groupby(vault.store.list(prefix), key=lambda key: key.split("/")[1]):
        listed = set(keys)  # listed before the rows are read: what is stored later is not in the list
        with db.transaction() as session:
            redaction = session.get(Redaction, UUID(name))
            busy = redaction is not None and redaction.state in queries.RENDERING
            strays = set() if busy else listed - queries.blob_keys(session, UUID(name))
        for key in strays:
            vault.delete(key)
        removed += len(strays)
    return removed
