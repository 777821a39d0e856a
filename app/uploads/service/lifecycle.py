"""An upload's life but for its bytes: created, looked at, given a digest, terminated, expired, rejected, recorded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import PurePosixPath
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from app.audit import service as audit
from app.audit.events import Tag
from app.authz.permissions import Permission
from app.authz.predicates import require
from app.core.clock import now
from app.core.errors import Hidden, NotFound
from app.core.identity import SYSTEM, Identity
from app.core.pagination import Page, paginate
from app.exercises.service import open_exercise
from app.settings import Settings
from app.uploads import queries
from app.uploads.models import Upload
from app.uploads.service.errors import (
    AlreadyReceived,
    Duplicate,
    EmptyUpload,
    QuotaExceeded,
    UploadGone,
    UploadTooLarge,
    WrongWay,
)
from app.uploads.vocabulary import DETAILS


@dataclass(frozen=True, slots=True)
class Declared:
    """What a client says about a file before it sends it."""

    exercise_id: UUID
    filename: str = "unnamed"
    media_type: str | None = None
    sha256: bytes | None = None
    camera: str | None = None
    started_at: datetime | None = None
    clock_offset_seconds: float | None = None
    viewpoint: str | None = None
    reference: str | None = None
    notes: str | None = None


def create_upload(
    session: Session,
    identity: Identity,
    settings: Settings,
    *,
    length: int,
    declared: Declared,
    part_size: int | None = None,
) -> Upload:
    """Opens an upload of `length` bytes into an open exercise of the actor's force; with `part_size` (bytes) it goes
    straight to the store.

    Raises EmptyUpload, UploadTooLarge, Duplicate, QuotaExceeded, NotFound, ExerciseClosed.
    """
    require(identity, Permission.UPLOAD_WRITE)
    exercise = open_exercise(session, identity, declared.exercise_id)
    if length == 0:
        raise EmptyUpload
    if length > settings.upload_max_bytes:
        raise UploadTooLarge(f"One upload holds at most {settings.upload_max_bytes} bytes")
    if declared.sha256 is not None:
        refuse_duplicate(session, exercise.organisation_id, declared.sha256)
    queries.lock_quota(session, exercise.organisation_id)
    left = quota_left(session, settings, exercise.organisation_id)
    if length > left:
        raise QuotaExceeded(f"{left} bytes are left of your quota and the file has {length}")
    upload = Upload(
        organisation_id=exercise.organisation_id,
        exercise_id=exercise.id,
        created_by_kind=identity.kind.value,
        created_by=identity.id,
        filename=PurePosixPath(declared.filename.replace("\\", "/")).name or "unnamed",
        details=_details(declared),
        length=length,
        via="direct" if part_size else "tus",
        part_size=part_size,
        declared_sha256=declared.sha256,
        expires_at=expiry(settings),
    )
    session.add(upload)
    session.flush()
    said = {"filename": upload.filename, "length": length, "via": upload.via}
    _note(session, identity, Tag.UPLOAD_CREATE, upload, said)
    return upload


def refuse_duplicate(session: Session, organisation_id: UUID, sha256: bytes) -> None:
    """Raises Duplicate, naming the recording, when the force itself holds these bytes. Of others nothing is said."""
    held = session.scalar(queries.live_recordings(organisation_id, sha256))
    if held is not None:
        raise Duplicate(f"It is recording {held}: nothing needs to be sent", recording_id=str(held))


def quota_left(session: Session, settings: Settings, organisation_id: UUID) -> int:
    """Bytes that the organisation may still send, 0 or more."""
    return max(0, settings.upload_quota_bytes - queries.bytes_held(session, organisation_id))


def expiry(settings: Settings) -> datetime:
    """When an upload that gets no further byte from now on expires."""
    return now() + timedelta(hours=settings.upload_expiry_hours)


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
    if upload.state == "rejected" and upload.completed_at is None:
        raise UploadGone(upload.reason or "")
    if upload.state in queries.OPEN_STATES and upload.expires_at <= now():
        raise UploadGone("This upload has expired: start a new one")


def declare_digest(session: Session, identity: Identity, upload_id: UUID, sha256: bytes) -> Upload:
    """Sets the SHA-256 that the whole must have: for clients that hash while they read and so know it last.

    Accepted until the last byte is received, so a client says it before sending its last bytes. Raises
    AlreadyReceived after that, unless the digest is the one already declared.
    """
    upload = get_upload(session, identity, upload_id, lock=True)
    require_present(upload)
    if upload.declared_sha256 != sha256:
        if upload.state not in queries.OPEN_STATES:
            raise AlreadyReceived("Declare the digest before the last byte is sent")
        upload.declared_sha256 = sha256
        _note(session, identity, Tag.UPLOAD_DECLARE, upload, {"sha256": sha256.hex()})
    return upload


def terminate(session: Session, identity: Identity, upload_id: UUID) -> None:
    """Ends an unfinished upload and frees its room. The caller holds the staged file, if there is one, and discards
    the bytes once the transaction is committed. Raises AlreadyReceived, UploadGone."""
    upload = get_upload(session, identity, upload_id, lock=True)
    require_unended(upload)
    if upload.state not in queries.OPEN_STATES:
        raise AlreadyReceived
    reject(session, upload, "terminated", "Stopped by the one who sent it", identity=identity)


def expire(session: Session, upload_id: UUID) -> None:
    """Ends an upload, unless its time is not over (any more). The caller holds the staged file."""
    upload = find(session, upload_id, lock=True)
    if upload is None or upload.state not in queries.OPEN_STATES or upload.expires_at > now():
        return
    reject(session, upload, "expired", "No bytes came before the upload expired: start a new one")


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
    _note(session, identity, tag, upload, {"reason": code} | dict(details or {}))


def note_screened(session: Session, upload: Upload, verdicts: list[dict[str, Any]]) -> None:
    """Keeps and logs which screens looked at the bytes and found nothing."""
    upload.details = upload.details | {"screens": verdicts}
    _note(session, SYSTEM, Tag.UPLOAD_SCREENED, upload, {"screens": verdicts})


def mark_recorded(session: Session, upload: Upload) -> None:
    """The upload has become a recording, which carries its id."""
    upload.state, upload.updated_at = "recorded", now()
    session.flush()


def _note(session: Session, identity: Identity, tag: Tag, upload: Upload, details: dict[str, Any]) -> None:
    audit.append(
        session,
        identity,
        tag,
        subject=("upload", upload.id),
        details=details,
        organisation_id=upload.organisation_id,
    )


def _details(declared: Declared) -> dict[str, Any]:
    said = {name: getattr(declared, name) for name in ("media_type", *DETAILS)}
    said["started_at"] = declared.started_at.isoformat() if declared.started_at else None
    return {name: value for name, value in said.items() if value is not None}
