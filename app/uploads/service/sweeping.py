"""What the clock does: ends what expired, removes bytes that nobody needs, wakes what a failed job has left."""

from __future__ import annotations

import logging
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.clock import now
from app.core.db import Database
from app.jobs import AlreadyQueued, defer
from app.storage.base import BlobStore
from app.uploads import queries
from app.uploads.models import Upload
from app.uploads.service import leases, lifecycle
from app.uploads.service.errors import UploadLocked
from app.uploads.service.holding import Holds
from app.uploads.service.incoming import sweep_incoming
from app.uploads.service.staging import Staging

log = logging.getLogger(__name__)

STUCK_AFTER = timedelta(minutes=30)


def sweep(db: Database, staging: Staging, store: BlobStore | None = None) -> None:
    """Ends what expired, removes bytes and leases that nobody needs any more, wakes what a failed job has left."""
    holds = Holds(db, staging)
    with db.transaction() as session:
        expired = queries.expired(session, now())
    for upload_id in expired:
        try:
            with holds.quiet(upload_id), db.transaction() as session:
                lifecycle.expire(session, upload_id)
        except UploadLocked:
            continue
    listed = staging.listed()  # listed first: an upload created after this has no file in the list
    with db.transaction() as session:
        needed = queries.still_needed(session, listed)
        leases.forget_dead(session)
        _wake(session)
    for upload_id in set(listed) - needed:
        staging.discard(upload_id)
    if store is not None:
        sweep_incoming(db, store)


def recount(db: Database) -> None:
    """Mends the sums of kept bytes, each by itself: nothing is registered for its organisation meanwhile."""
    with db.transaction() as session:
        organisations = queries.with_kept_bytes(session)
    for organisation_id in organisations:
        with db.transaction() as session:
            missed = queries.recount_kept(session, organisation_id)
        if missed:
            said = {"organisation": str(organisation_id), "missed": missed}
            log.warning("the sum of kept bytes was wrong", extra=said)


def _wake(session: Session) -> None:
    stuck = select(Upload).where(Upload.state == "received", Upload.updated_at < now() - STUCK_AFTER)
    for upload in session.scalars(stuck.where(Upload.kind != "partial").limit(100)):
        name = "uploads.complete" if upload.sha256 is None else "recordings.register"
        try:
            defer(session, name, queueing_lock=f"{name}-{upload.id}", upload_id=upload.id)
        except AlreadyQueued:
            continue
