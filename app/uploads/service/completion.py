"""What a worker does with an upload once every byte is there: is it what was sent, and what was declared?"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import BinaryIO
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.clock import now
from app.core.db import Database
from app.jobs import AlreadyQueued, defer
from app.storage.base import BlobStore
from app.storage.streams import read_full
from app.uploads import queries
from app.uploads.models import Upload
from app.uploads.service import lifecycle
from app.uploads.service.errors import UploadLocked
from app.uploads.service.incoming import sweep_incoming
from app.uploads.service.received import Received
from app.uploads.service.screening import Refusal, Screen, Screened, screened
from app.uploads.service.staging import BLOCK_SIZE, READ_SIZE, Staging

STUCK_AFTER = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Digest:
    """The whole file's SHA-256, whether each block still hashes to what was received, and the length in bytes."""

    sha256: bytes
    intact: bool
    length: int


def digest_of(
    source: BinaryIO, blocks: Mapping[int, bytes], check: Callable[[], None], block_size: int
) -> Digest:
    """Reads all of `source` once, in blocks of `block_size` bytes. `check` is called now and then and may raise to
    stop."""
    whole, block, position, intact = hashlib.sha256(), hashlib.sha256(), 0, True
    while piece := read_full(source, READ_SIZE):  # which divides the block's size, and is full until the end
        check()
        whole.update(piece)
        block.update(piece)
        position += len(piece)
        if position % block_size == 0:
            intact &= blocks.get(position // block_size - 1) == block.digest()
            block = hashlib.sha256()
    if position % block_size:
        intact &= blocks.get(position // block_size) == block.digest()
    return Digest(whole.digest(), intact, position)


def complete(
    db: Database,
    staging: Staging,
    upload_id: UUID,
    check: Callable[[], None],
    *,
    store: BlobStore | None = None,
    screens: Sequence[Screen] = (),
) -> None:
    """Verifies a received upload, has it screened and passes it to `recordings.register`, or rejects it; safe to run
    again. Raises ScreenUnavailable and StoreUnavailable: then it is to be tried again."""
    with db.transaction() as session:
        upload = lifecycle.find(session, upload_id)
        if upload is None or upload.state != "received" or upload.sha256 is not None:
            return
        blocks = queries.block_digests(session, upload_id)
    received, digest, seen = Received(staging, store), None, None
    with suppress(FileNotFoundError):
        with received.open(upload) as source:
            digest = digest_of(source, blocks, check, upload.part_size or BLOCK_SIZE)
        if _refusal(upload, digest) is None:
            seen = screened(screens, partial(received.open, upload), upload.length, check)
    with db.transaction() as session:
        upload = lifecycle.find(session, upload_id, lock=True)
        if upload is None or upload.state != "received" or upload.sha256 is not None:
            return
        _decide(session, upload, digest, seen)
    if upload.state == "rejected":
        received.discard(upload_id, upload.via)


def _refusal(upload: Upload, digest: Digest | None) -> Refusal | None:
    """Why the bytes cannot be kept; None when they are what was sent and declared."""
    if digest is None or not digest.intact or digest.length != upload.length:
        reason = "The bytes were damaged on our side before they could be stored: send the file again"
        return Refusal("damaged_in_staging", reason)
    if upload.declared_sha256 in (None, digest.sha256):
        return None
    found = {"declared": (upload.declared_sha256 or b"").hex(), "received": digest.sha256.hex()}
    reason = "What arrived is not what was declared (SHA-256 differs): send the file again"
    return Refusal("checksum_mismatch", reason, found)


def _decide(session: Session, upload: Upload, digest: Digest | None, seen: Screened | None) -> None:
    refusal = _refusal(upload, digest)
    if digest is not None and digest.intact:
        upload.sha256 = digest.sha256
    refused = refusal or (seen.refusal if seen is not None else None)
    if refused is not None:
        lifecycle.reject(session, upload, refused.code, refused.reason, details=refused.details)
        return
    if seen is not None and seen.verdicts:
        lifecycle.note_screened(session, upload, [verdict.as_details() for verdict in seen.verdicts])
    defer(session, "recordings.register", upload_id=upload.id)


def sweep(db: Database, staging: Staging, store: BlobStore | None = None) -> None:
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
    if store is not None:
        sweep_incoming(db, store)


def _wake(session: Session) -> None:
    stuck = select(Upload).where(Upload.state == "received", Upload.updated_at < now() - STUCK_AFTER)
    for upload in session.scalars(stuck.limit(100)):
        name = "uploads.complete" if upload.sha256 is None else "recordings.register"
        try:
            defer(session, name, queueing_lock=f"{name}-{upload.id}", upload_id=upload.id)
        except AlreadyQueued:
            continue
