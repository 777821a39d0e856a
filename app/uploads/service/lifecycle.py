"""An upload's life but for its beginning and its bytes: looked at, given a digest, ended, recorded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from app.audit.events import Tag
from app.authz.permissions import Permission
from app.authz.predicates import require
from app.core.clock import now
from app.core.errors import Hidden, NotFound
from app.core.identity import SYSTEM, Identity
from app.core.pagination import Page, paginate
from app.uploads import queries
from app.uploads.models import Upload
from app.uploads.service.creation import note, refuse_duplicate
from app.uploads.service.errors import AlreadyReceived, NoDigestOfParts, UploadGone, WrongWay


def list_uploads(
    session: Session,
    identity: Identity,
    *,
    exercise_id: UUID | None = None,
    state: str | None = None,
    cursor: str | None = None,
    limit: int = 50,
) -> Page[Upload]:
    """The force's uploads, newest first."""
    require(identity, Permission.UPLOAD_WRITE)
    if identity.organisation_id is None:
        return Page([], None)
    query = queries.uploads_of(identity.organisation_id, exercise_id=exercise_id, state=state)
    return paginate(session, query, Upload.id, cursor=cursor, limit=limit)


def get_upload(session: Session, identity: Identity, upload_id: UUID, *, lock: bool = False) -> Upload:
    """One upload of the actor's own force, in whatever state. Raises NotFound."""
    require(identity, Permission.UPLOAD_WRITE)
    upload = find(session, upload_id, lock=lock)
    if upload is None:
        raise NotFound
    if upload.organisation_id != identity.organisation_id:
        raise Hidden
    return upload


def find(session: Session, upload_id: UUID, *, lock: bool = False) -> Upload | None:
    """For those who have authorised already, and jobs. `lock` takes the row for this transaction."""
    locking = {"of": Upload} if lock else None
    return session.get(Upload, upload_id, with_for_update=locking, populate_existing=lock)


def require_present(upload: Upload, via: str = "tus") -> None:
    """Raises WrongWay for an upload of the other kind, else as `require_unended`."""
    if upload.via != via:
        raise WrongWay
    require_unended(upload)


def require_unended(upload: Upload) -> None:
    """Raises UploadGone for an upload that ended before it was whole, or whose time is over."""
    if upload.state == "rejected" and (upload.completed_at is None or upload.kind == "partial"):
        raise UploadGone(upload.reason or "")
    if is_waiting(upload) and upload.expires_at <= now():
        raise UploadGone("This upload has expired: start a new one")


def is_waiting(upload: Upload) -> bool:
    """More is expected: bytes, or of a part that it be joined. Such an upload expires and may be given up."""
    unused = upload.kind == "partial" and upload.state == "received" and upload.joined_into is None
    return upload.state in queries.OPEN_STATES or unused


def declare_digest(session: Session, identity: Identity, upload_id: UUID, sha256: bytes) -> Upload:
    """Sets the SHA-256 that the whole must have: for clients that hash while they read and so know it last.

    Accepted until the last byte is received, so a client says it before sending its last bytes. Raises
    AlreadyReceived after that, unless the digest is the one already declared, NoDigestOfParts for a part, and Duplicate
    while the last bytes need not be sent.
    """
    upload = get_upload(session, identity, upload_id, lock=True)
    require_unended(upload)
    if upload.kind == "partial":
        raise NoDigestOfParts
    is_open = upload.state in queries.OPEN_STATES
    if is_open:
        refuse_duplicate(session, upload.organisation_id, sha256)
    if upload.declared_sha256 != sha256:
        if not is_open:
            raise AlreadyReceived("Declare the digest before the last byte is sent")
        upload.declared_sha256 = sha256
        note(session, identity, Tag.UPLOAD_DECLARE, upload, {"sha256": sha256.hex()})
    return upload


def terminate(session: Session, identity: Identity, upload_id: UUID) -> None:
    """Ends an unfinished upload or an unused part and frees its room. The caller holds the staged file, if there is
    one, and discards the bytes once the transaction is committed. Raises AlreadyReceived, UploadGone."""
    upload = get_upload(session, identity, upload_id, lock=True)
    require_unended(upload)
    if not is_waiting(upload):
        raise AlreadyReceived
    reject(session, upload, "terminated", "Stopped by the one who sent it", identity=identity)


def expire(session: Session, upload_id: UUID) -> None:
    """Ends an upload, unless its time is not over (any more). The caller holds the staged file."""
    upload = find(session, upload_id, lock=True)
    if upload is None or not is_waiting(upload) or upload.expires_at > now():
        return
    reject(session, upload, "expired", "It was not finished before it expired: start a new one")


_REJECTION_TAGS = {
    "terminated": Tag.UPLOAD_TERMINATE,
    "expired": Tag.UPLOAD_EXPIRE,
    "infected": Tag.UPLOAD_INFECTED,
}


def reject(
    session: Session,
    upload: Upload,
    code: str,
    reason: str,
    *,
    identity: Identity = SYSTEM,
    details: Mapping[str, Any] | None = None,
) -> None:
    """Ends the upload for a stated reason. Bytes are removed once the transaction is committed, or by the sweep."""
    upload.state, upload.reason_code, upload.reason = "rejected", code, reason
    upload.updated_at = now()
    upload.details = upload.details | dict(details or {})
    tag = _REJECTION_TAGS.get(code, Tag.UPLOAD_REJECT)
    note(session, identity, tag, upload, {"reason": code} | dict(details or {}))


def note_screened(session: Session, upload: Upload, verdicts: list[dict[str, Any]]) -> None:
    """Keeps and logs which screens looked at the bytes and found nothing."""
    upload.details = upload.details | {"screens": verdicts}
    note(session, SYSTEM, Tag.UPLOAD_SCREENED, upload, {"screens": verdicts})


def mark_recorded(session: Session, upload: Upload) -> None:
    """The upload has become a recording, which carries its id."""
    upload.state, upload.updated_at = "recorded", now()
    session.flush()
    queries.note_kept(session, upload.organisation_id, upload.size)
