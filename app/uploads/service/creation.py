"""How an upload begins: alone, as a part, or made of parts; and how much room it may take."""

from __future__ import annotations

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
from app.core.identity import Identity
from app.exercises.service import open_exercise
from app.jobs import defer
from app.settings import Settings
from app.uploads import queries
from app.uploads.models import Upload
from app.uploads.service.errors import (
    BodyTooLong,
    EmptyUpload,
    LengthRefused,
    QuotaExceeded,
    UploadTooLarge,
)


@dataclass(frozen=True, slots=True)
class Declared:
    """What a client says about a file before it sends it."""

    exercise_id: UUID
    filename: str = "unnamed"
    media_type: str | None = None
    sha256: bytes | None = None
    camera: str | None = None
    started_at: datetime | None = None


def create_upload(
    session: Session,
    identity: Identity,
    settings: Settings,
    *,
    length: int | None,
    declared: Declared,
    partial: bool = False,
) -> Upload:
    """Opens an upload of `length` bytes (None: said later) into an open exercise of the actor's force.

    A part's own name and digest mean nothing: those of the whole count. Raises EmptyUpload, UploadTooLarge,
    QuotaExceeded, NotFound, ExerciseClosed.
    """
    require(identity, Permission.UPLOAD_WRITE)
    exercise = open_exercise(session, identity, declared.exercise_id)
    _check_length(session, settings, exercise.organisation_id, length)
    upload = new_row(identity, settings, exercise.organisation_id, declared)
    upload.length, upload.kind = length, "partial" if partial else "whole"
    upload.declared_sha256 = None if partial else declared.sha256
    session.add(upload)
    session.flush()
    details = {"filename": upload.filename, "length": length} | ({"part": True} if partial else {})
    note(session, identity, Tag.UPLOAD_CREATE, upload, details)
    return upload


def new_row(identity: Identity, settings: Settings, organisation_id: UUID, declared: Declared) -> Upload:
    """A row of that force with what was declared; the caller gives it its length and kind."""
    return Upload(
        organisation_id=organisation_id,
        exercise_id=declared.exercise_id,
        created_by_kind=identity.kind.value,
        created_by=identity.id,
        filename=PurePosixPath(declared.filename.replace("\\", "/")).name or "unnamed",
        details=_details(declared),
        declared_sha256=declared.sha256,
        expires_at=expiry(settings),
    )


def expiry(settings: Settings) -> datetime:
    """When an upload that gets no further byte from now on expires."""
    return now() + timedelta(hours=settings.upload_expiry_hours)


def settle_length(session: Session, settings: Settings, upload: Upload, length: int) -> None:
    """Fixes the length of an upload that was opened without one, whose row the caller has locked.

    Once fixed it stays; saying it again is no error. Raises LengthRefused, EmptyUpload, UploadTooLarge, QuotaExceeded.
    """
    if upload.length == length:
        return
    if upload.length is not None:
        raise LengthRefused(f"The upload has {upload.length} bytes: that cannot be changed")
    if length < upload.offset:
        raise LengthRefused(f"{upload.offset} bytes have been received already")
    _check_length(session, settings, upload.organisation_id, length, counted=upload.offset)
    upload.length = length
    session.flush()


def check_room(session: Session, settings: Settings, upload: Upload, end: int) -> None:
    """May bytes up to `end` be taken? Where the length is not known yet, the largest upload's and the quota hold.

    Raises BodyTooLong, UploadTooLarge, QuotaExceeded.
    """
    if upload.length is None:
        _check_length(session, settings, upload.organisation_id, max(end, 1), counted=upload.offset)
    elif end > upload.length:
        missing = upload.length - upload.offset
        raise BodyTooLong(f"{missing} bytes are missing and {end - upload.offset} were announced")


def _check_length(
    session: Session, settings: Settings, organisation_id: UUID, length: int | None, *, counted: int = 0
) -> None:
    """`counted`: bytes of this upload that count against the quota already."""
    if length == 0:
        raise EmptyUpload
    if (length or 0) > settings.upload_max_bytes:
        raise UploadTooLarge(f"One upload holds at most {settings.upload_max_bytes} bytes")
    queries.lock_quota(session, organisation_id)
    left = settings.upload_quota_bytes - queries.bytes_held(session, organisation_id)
    if max(length or 0, 1) - counted > left:
        raise QuotaExceeded(f"{max(left, 0)} bytes are left of your quota and {length or 'more'} are needed")


def finish(session: Session, identity: Identity, upload: Upload) -> None:
    """Every byte is there: a file goes on to be verified, a part waits for its whole."""
    upload.state, upload.completed_at = "received", now()
    note(session, identity, Tag.UPLOAD_COMPLETE, upload, {"length": upload.length})
    if upload.kind != "partial":
        defer(session, "uploads.complete", upload_id=upload.id)


def note(session: Session, identity: Identity, tag: Tag, upload: Upload, details: dict[str, Any]) -> None:
    """An entry of the log about one upload."""
    subject = ("upload", upload.id)
    audit.append(
        session, identity, tag, subject=subject, details=details, organisation_id=upload.organisation_id
    )


def _details(declared: Declared) -> dict[str, Any]:
    said = {
        "media_type": declared.media_type,
        "camera": declared.camera,
        "started_at": declared.started_at.isoformat() if declared.started_at else None,
    }
    return {name: value for name, value in said.items() if value is not None}
