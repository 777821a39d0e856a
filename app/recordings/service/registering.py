"""A verified upload becomes a recording: encrypted, addressed by its SHA-256, never altered again."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime
from typing import Any, BinaryIO, cast
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.audit.events import Tag
from app.core.db import Database
from app.core.identity import SYSTEM
from app.exercises.models import Exercise
from app.jobs import defer
from app.recordings import queries
from app.recordings.models import Recording
from app.recordings.service.lifecycle import note
from app.storage.models import DataKey
from app.storage.vault import Vault
from app.uploads import service as uploads
from app.uploads.models import Upload
from app.uploads.service import Received, Staging


class Damaged(Exception):
    """The bytes that were encrypted are not those that were verified."""


class _Hashing:
    """Reads a file through to the vault, hashing what passes."""

    def __init__(self, file: BinaryIO, check: Callable[[], None]) -> None:
        self._file = file
        self._check = check
        self.digest = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        self._check()
        data = self._file.read(size)
        self.digest.update(data)
        return data


def register(
    db: Database, vault: Vault, staging: Staging, upload_id: UUID, check: Callable[[], None]
) -> None:
    """Makes the recording, or rejects the upload as a duplicate; all in one transaction, safe to run again.

    The recording takes the upload's id: a run that was killed is repeated onto the same object key.
    """
    try:
        with db.transaction() as session:
            upload = uploads.find(session, upload_id, lock=True)
            if upload is None or upload.state != "received" or upload.sha256 is None:
                return
            _register(session, vault, staging, upload, check)
    except (Damaged, FileNotFoundError):
        with db.transaction() as session:
            upload = uploads.find(session, upload_id, lock=True)
            if upload is not None and upload.state == "received":
                reason = "The bytes were damaged on our side before they could be stored: send the file again"
                uploads.reject(session, upload, "damaged_in_staging", reason)
    if upload is not None:
        Received(staging, vault.store).discard(upload_id, upload.via)


def _register(
    session: Session, vault: Vault, staging: Staging, upload: Upload, check: Callable[[], None]
) -> None:
    made = _insert(session, vault, upload)
    if made is None:
        _reject_duplicate(session, upload)
        return
    recording, key = made
    with Received(staging, vault.store).open(upload) as file:
        source = _Hashing(file, check)
        size = vault.write(key, recording.blob_key, cast(BinaryIO, source))
    if size != upload.length or source.digest.digest() != upload.sha256:
        raise Damaged
    uploads.mark_recorded(session, upload)
    note(session, SYSTEM, Tag.RECORDING_RECEIVED, recording, received(session, recording))
    details = {"sha256": recording.sha256.hex(), "size": size, "filename": recording.filename}
    note(session, SYSTEM, Tag.RECORDING_PROCESSING, recording, details)
    recording.job_id = defer(session, "recordings.normalise", recording_id=recording.id)


def received(session: Session, recording: Recording) -> dict[str, Any]:
    """What a receipt says was handed over, as of now: ids, name, size, SHA-256, times; what it was joined from."""
    exercise = session.get_one(Exercise, recording.exercise_id)
    return {
        "filename": recording.filename,
        "sha256": recording.sha256.hex(),
        "size": recording.size,
        **_came_by(session, recording),
        "received": recording.received_at.isoformat(),
        "exercise": str(exercise.id),
        "exercise_title": exercise.title,
        "held_on": exercise.held_on.isoformat(),
        "force": str(exercise.organisation_id),
        "force_name": exercise.organisation.name,
    }


def _came_by(session: Session, recording: Recording) -> dict[str, Any]:
    if recording.upload_id is None:
        parts = [part for _, part in queries.parts_of(session, recording.id)]
        return {"joined_from": {str(part.id): part.sha256.hex() for part in parts}}
    upload = session.get_one(Upload, recording.upload_id)
    return {"upload": str(upload.id), "sending_began": upload.created_at.isoformat()}


def _insert(session: Session, vault: Vault, upload: Upload) -> tuple[Recording, DataKey] | None:
    """The row and its key; None when the force has a live recording of the same bytes. Waits for another
    registration of the same bytes to end, so that of two at once one wins."""
    if queries.same_file(session, upload.organisation_id, upload.sha256 or b"") is not None:
        return None  # the index alone lets it in beside one in quarantine
    try:
        with session.begin_nested():
            key = vault.new_key(session, "recording", upload.id)
            recording = Recording(id=upload.id, data_key_id=key.id, **_facts(upload))
            session.add(recording)
            session.flush()
            return recording, key
    except IntegrityError:
        if queries.same_file(session, upload.organisation_id, upload.sha256 or b"") is None:
            raise
        return None


def _facts(upload: Upload) -> dict[str, Any]:
    started_at = upload.details.get("started_at")
    return {
        "organisation_id": upload.organisation_id,
        "exercise_id": upload.exercise_id,
        "upload_id": upload.id,
        "filename": upload.filename,
        "sha256": upload.sha256,
        "size": upload.length,
        "blob_key": f"recordings/{upload.id}/original",
        "camera_started_at": datetime.fromisoformat(started_at) if started_at else None,
        "camera_offset_seconds": upload.details.get("clock_offset_seconds"),
        **{name: upload.details.get(name) for name in ("camera", "viewpoint", "reference", "notes")},
        "received_at": upload.completed_at,
    }


def _reject_duplicate(session: Session, upload: Upload) -> None:
    earlier = queries.same_file(session, upload.organisation_id, upload.sha256 or b"")
    if earlier is None:
        raise LookupError("the earlier recording ended meanwhile")
    reason = (
        f"Your force has handed over the same file before, as recording {earlier.id} ({earlier.filename})"
    )
    uploads.reject(session, upload, "duplicate", reason, details={"duplicate_of": str(earlier.id)})
