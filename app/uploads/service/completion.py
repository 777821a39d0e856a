"""What a worker does with an upload once every byte is there: is it what was sent, and what was declared?"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.clock import now
from app.core.db import Database
from app.jobs import AlreadyQueued, defer
from app.uploads import queries
from app.uploads.models import Upload
from app.uploads.service import lifecycle
from app.uploads.service.errors import UploadLocked
from app.uploads.service.staging import BLOCK_SIZE, READ_SIZE, Staging

STUCK_AFTER = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Digest:
    """The whole file's SHA-256, and whether each block still hashes to what was received."""

    sha256: bytes
    intact: bool


def digest_file(path: Path, blocks: Mapping[int, bytes], check: Callable[[], None]) -> Digest:
    """Reads the file once. `check` is called now and then and may raise to stop. Raises FileNotFoundError."""
    whole, block, position, intact = hashlib.sha256(), hashlib.sha256(), 0, True
    buffer = memoryview(bytearray(READ_SIZE))
    with open(path, "rb", buffering=0) as file:
        while got := file.readinto(buffer):
            check()
            whole.update(buffer[:got])
            block.update(
                buffer[:got]
            )  # READ_SIZE divides BLOCK_SIZE, and a regular file reads full until its end
            position += got
            if position % BLOCK_SIZE == 0:
                intact &= blocks.get(position // BLOCK_SIZE - 1) == block.digest()
                block = hashlib.sha256()
    if position % BLOCK_SIZE:
        intact &= blocks.get(position // BLOCK_SIZE) == block.digest()
    return Digest(whole.digest(), intact)


def complete(db: Database, staging: Staging, upload_id: UUID, check: Callable[[], None]) -> None:
    """Verifies a received upload and passes it to `recordings.register`, or rejects it; safe to run again."""
    with db.transaction() as session:
        upload = lifecycle.find(session, upload_id)
        if upload is None or upload.state != "received" or upload.sha256 is not None:
            return
        blocks = queries.block_digests(session, upload_id)
    try:
        digest = digest_file(staging.path(upload_id), blocks, check)
    except FileNotFoundError:
        digest = None
    with db.transaction() as session:
        upload = lifecycle.find(session, upload_id, lock=True)
        if upload is not None and upload.state == "received" and upload.sha256 is None:
            _decide(session, upload, digest)
            rejected = upload.state == "rejected"
        else:
            rejected = False
    if rejected:
        staging.discard(upload_id)


def _decide(session: Session, upload: Upload, digest: Digest | None) -> None:
    if digest is None or not digest.intact:
        reason = "The bytes were damaged on our side before they could be stored: send the file again"
        lifecycle.reject(session, upload, "damaged_in_staging", reason)
        return
    upload.sha256 = digest.sha256
    if upload.declared_sha256 is not None and upload.declared_sha256 != digest.sha256:
        found = {"declared": upload.declared_sha256.hex(), "received": digest.sha256.hex()}
        reason = "What arrived is not what was declared (SHA-256 differs): send the file again"
        lifecycle.reject(session, upload, "checksum_mismatch", reason, details=found)
        return
    defer(session, "recordings.register", upload_id=upload.id)


def sweep(db: Database, staging: Staging) -> None:
    """Ends expired uploads, removes bytes that nobody needs any more, and wakes what is stuck after a failed job."""
    with db.transaction() as session:
        expired = queries.expired(session, now())
    for upload_id in expired:
        try:
            with staging.hold(upload_id, insist=True), db.transaction() as session:
                lifecycle.expire(session, upload_id)
        except UploadLocked:
            continue
    listed = staging.listed()  # listed first: an upload created after this has no file in the list
    with db.transaction() as session:
        needed = queries.still_needed(session, listed)
        _wake(session)
    for upload_id in set(listed) - needed:
        staging.discard(upload_id)


def _wake(session: Session) -> None:
    stuck = select(Upload).where(Upload.state == "received", Upload.updated_at < now() - STUCK_AFTER)
    for upload in session.scalars(stuck.limit(100)):
        name = "uploads.complete" if upload.sha256 is None else "recordings.register"
        try:
            defer(session, name, queueing_lock=f"{name}-{upload.id}", upload_id=upload.id)
        except AlreadyQueued:
            continue
