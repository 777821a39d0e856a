"""How an upload begins: alone, as a part, or made of parts; and how much room it may take."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
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
    Duplicate,
    EmptyUpload,
    LengthRefused,
    QuotaExceeded,
    UploadTooLarge,
)
from app.uploads.vocabulary import PERSONAL


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
    metadata: str | None = None  # the tus header that says it, to be told back as it is


def create_upload(
    session: Session,
    identity: Identity,
    settings: Settings,
    *,
    length: int | None,
    declared: Declared,
    partial: bool = False,
    part_size: int | None = None,
) -> Upload:
    """Opens an upload of `length` bytes (None: said later) into an open exercise of the actor's force; with `part_size`
    (bytes) it goes straight to the store.

    A part's own name and digest mean nothing: those of the whole count. Raises EmptyUpload, UploadTooLarge, Duplicate,
    QuotaExceeded, NotFound, ExerciseClosed.
    """
    require(identity, Permission.UPLOAD_WRITE)
    exercise = open_exercise(session, identity, declared.exercise_id)
    if declared.sha256 is not None and not partial:
        refuse_duplicate(session, exercise.organisation_id, declared.sha256)
    _check_length(session, settings, exercise.organisation_id, length)
    upload = new_row(identity, settings, exercise.organisation_id, declared)
    upload.length, upload.kind = length, "partial" if partial else "whole"
    upload.declared_sha256 = None if partial else declared.sha256
    upload.via, upload.part_size = "direct" if part_size else "tus", part_size
    session.add(upload)
    session.flush()
    details = {"filename": upload.filename, "length": length, "via": upload.via}
    details |= {"part": True} if partial else {}
    note(session, identity, Tag.UPLOAD_CREATE, upload, details)
    return upload


def refuse_duplicate(session: Session, organisation_id: UUID, sha256: bytes) -> None:
    """Raises Duplicate, naming the recording, when the force itself holds these bytes. Of others nothing is said."""
    held = session.scalar(queries.live_recordings(organisation_id, sha256))
    if held is not None:
        raise Duplicate(f"It is recording {held}: nothing needs to be sent", recording_id=str(held))


def quota_left(session: Session, settings: Settings, organisation_id: UUID) -> int:
    """Bytes that the organisation may still send, 0 or more."""
    return max(0, settings.upload_quota_bytes - queries.bytes_held(session, organisation_id))


def lengths_under_way(session: Session, organisation_id: UUID, lengths: Collection[int]) -> set[int]:
    """Those of the lengths, in bytes, that files of the organisation have which are on their way to be recordings."""
    return queries.lengths_under_way(session, organisation_id, lengths)


def new_row(identity: Identity, settings: Settings, organisation_id: UUID, declared: Declared) -> Upload:
    """A row of that force with what was declared; the caller gives it its length and kind."""
    return Upload(
        organisation_id=organisation_id,
        exercise_id=declared.exercise_id,
        created_by_kind=identity.kind.value,
        created_by=identity.id,
        filename=declared.filename,
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
    require_room(session, settings, organisation_id, max(length or 0, 1) - counted)


def require_room(session: Session, settings: Settings, organisation_id: UUID, more: int) -> None:
    """Raises QuotaExceeded unless the organisation may have so many more bytes; until the transaction's end nobody else
    of it is told so."""
    queries.lock_quota(session, organisation_id)
    left = settings.upload_quota_bytes - queries.bytes_held(session, organisation_id)
    if more > left:
        raise QuotaExceeded(f"{max(left, 0)} bytes are left of your quota and {more} are needed")


def finish(session: Session, identity: Identity, upload: Upload) -> None:
    """Every byte is there: a file goes on to be verified, a part waits for its whole."""
    upload.state, upload.completed_at, upload.updated_at = "received", now(), now()
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
    said = {name: getattr(declared, name) for name in ("media_type", *PERSONAL)}
    said["started_at"] = declared.started_at.isoformat() if declared.started_at else None
    return {name: value for name, value in said.items() if value is not None}
