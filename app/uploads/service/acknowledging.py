"""Acknowledging bytes: the offset, the digests of blocks and, with the last byte, the job, in one transaction."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.orm import Session

from app.core.clock import now
from app.core.identity import Identity
from app.settings import Settings
from app.uploads import queries
from app.uploads.models import Upload, UploadBlock
from app.uploads.service import leases, lifecycle
from app.uploads.service.creation import check_room, expiry, finish
from app.uploads.service.errors import WrongOffset


def advance(
    session: Session,
    identity: Identity,
    settings: Settings,
    upload_id: UUID,
    start: int,
    end: int,
    blocks: list[tuple[int, bytes]],
    *,
    writer: UUID,
) -> Upload:
    """Acknowledges bytes `[start, end)`, which are durable; with the last byte the upload is received.

    Raises WrongOffset when the row has moved meanwhile, UploadLocked when another request has become its `writer`,
    UploadGone when it ended, UploadTooLarge and QuotaExceeded where the length is not known yet.
    """
    upload = lifecycle.get_upload(session, identity, upload_id, lock=True)
    lifecycle.require_present(upload)
    leases.require_writer(session, upload_id, writer)
    if upload.state not in queries.OPEN_STATES or upload.offset != start:
        raise WrongOffset(f"The upload goes on at {upload.offset}", offset=upload.offset)
    if upload.length is None:
        check_room(session, settings, upload, end)
    upload.offset, upload.state, upload.updated_at = end, "receiving", now()
    upload.expires_at = expiry(settings)
    session.add_all(UploadBlock(upload_id=upload_id, ordinal=n, sha256=digest) for n, digest in blocks)
    if end == upload.length:
        finish(session, identity, upload)
    session.flush()
    return upload
