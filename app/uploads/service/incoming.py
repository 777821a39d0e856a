"""Removing what lies in plain in the store and is no upload's any more: given up, expired, or left by a crash."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import Final
from uuid import UUID

from app.core.clock import now
from app.core.db import Database
from app.storage.base import BlobStore
from app.storage.incoming import PREFIX, Begun
from app.uploads import queries
from app.uploads.service import lifecycle

JUST_BEGUN: Final = timedelta(hours=1)  # a multipart upload whose id is perhaps not committed yet


def sweep_incoming(db: Database, store: BlobStore) -> None:
    """Ends expired uploads that went straight to the store; removes their objects, and multipart uploads of nobody.

    Raises StoreUnavailable.
    """
    incoming = store.incoming
    if incoming is None:
        return
    with db.transaction() as session:
        for upload_id in queries.expired(session, now(), via="direct"):
            lifecycle.expire(session, upload_id)
    begun, objects = list(incoming.begun()), incoming.present()  # listed first: what comes later is not in it
    ids = {found for key in objects | {one.key for one in begun} if (found := _id_of(key))}
    with db.transaction() as session:
        waiting = queries.waiting_in_store(session, ids)
    for one in begun:
        if not _is_wanted(one, waiting):
            incoming.abort(one.key, one.multipart_id)
    for key in objects:
        if _id_of(key) not in waiting:
            store.delete(key)


def _is_wanted(one: Begun, waiting: dict[UUID, str | None]) -> bool:
    upload_id = _id_of(one.key)
    if upload_id not in waiting:
        return False
    return waiting[upload_id] == one.multipart_id or one.at > now() - JUST_BEGUN


def _id_of(key: str) -> UUID | None:
    with suppress(ValueError):
        return UUID(key.removeprefix(PREFIX))
    return None
