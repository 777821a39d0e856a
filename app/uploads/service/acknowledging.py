"""Acknowledging bytes: the offset, the digests of blocks and, with the last byte, the job, in one transaction."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.orm import Session

from app.audit import service as audit
from app.audit.events import Tag
from app.core.clock import now
from app.core.identity import Identity
from app.jobs import defer
from app.settings import Settings
from app.uploads import queries
from app.uploads.models import Upload, UploadBlock
from app.uploads.service import lifecycle
from app.uploads.service.errors import WrongOffset


def advance(
    session: Session,
    identity: Identity,
    settings: Settings,
    upload_id: UUID,
    start: int,
    end: int,
    blocks: list[tuple[int, bytes]],
) -> Upload:
    """Acknowledges bytes `[start, end)`, which are durable; with the last byte the upload is received.

    Raises WrongOffset when the row has moved meanwhile, UploadGone when it ended.
    """
    upload = lifecycle.get_upload(session, identity, upload_id, lock=True)
    lifecycle.require_present(upload)
    if upload.state not in queries.OPEN_STATES or upload.offset != start:
        raise WrongOffset(f"The upload goes on at {upload.offset}", offset=upload.offset)
    upload.offset, upload.state, upload.updated_at = end, "receiving", now()
    upload.expires_at = lifecycle.expiry(settings)
    session.add_all(UploadBlock(upload_id=upload_id, ordinal=n, sha256=digest) for n, digest in blocks)
    if end == upload.length:
        mark_received(session, identity, upload)
    session.flush()
    return upload


def mark_received(session: Session, identity: Identity, upload: Upload) -> None:
    """Every byte is there and durable: a job looks at them next."""
    upload.state, upload.completed_at, upload.updated_at = "received", now(), now()
    details = {"length": upload.length}
    audit.append(session, identity, Tag.UPLOAD_COMPLETE, subject=("upload", upload.id), details=details)
    defer(session, "uploads.complete", upload_id=upload.id)
