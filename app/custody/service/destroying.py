"""Erasure done: the key first, then every byte, then the rows that would tell the footage again.

In three parts, each safe to run again, so that a worker may be killed anywhere. With the key's row cleared nothing can
be read any more, wherever copies of the bytes lie; the rest is tidying, and proof. What stays are facts: the rows of
recording and clips with their digests, accepted labels, the log.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from app.audit.events import Tag
from app.core.clock import now
from app.core.identity import SYSTEM
from app.custody.models import Erasure
from app.jobs import defer
from app.recordings import queries as recordings
from app.recordings.models import (
    Clip,
    Duplicate,
    Fingerprint,
    FrameHash,
    IngestStep,
    Recording,
    RecordingView,
    Rendition,
)
from app.recordings.service import free_parts, note, received, stop_work
from app.redaction.models import RedactedClip, Redaction, RedactionRegion
from app.storage.models import DataKey
from app.storage.vault import Vault
from app.uploads.service import forget, note_kept


@dataclass(frozen=True, slots=True)
class Doomed:
    """What a job is to remove from the store: everything below these prefixes."""

    erasure_id: UUID
    recording_id: UUID
    prefixes: tuple[str, ...]


def begin_erasure(session: Session, vault: Vault, erasure_id: UUID) -> Doomed | None:
    """Destroys the recording's keys and notes what there was; None where nothing is (left) to be done."""
    erasure = session.get(Erasure, erasure_id)
    recording = recordings.locked(session, erasure.recording_id) if erasure else None
    erasure = session.get(Erasure, erasure_id, with_for_update={"of": Erasure}, populate_existing=True)
    if erasure is None or recording is None or erasure.state not in ("confirmed", "erasing"):
        return None
    if erasure.state == "confirmed":
        stop_work(session, recording)
        erasure.destroyed = _inventory(session, recording)
        for key in _keys(session, recording.id):
            vault.destroy(session, key)
        erasure.state = "erasing"
        session.flush()
        said = {"erasure": str(erasure.id), "key": str(recording.data_key_id)}
        note(session, SYSTEM, Tag.RECORDING_KEY_DESTROYED, recording, said)
    redactions = session.scalars(select(Redaction.id).where(Redaction.recording_id == recording.id))
    prefixes = (f"recordings/{recording.id}/", *(f"redactions/{one}/" for one in sorted(redactions)))
    return Doomed(erasure.id, recording.id, prefixes)


def remove_objects(vault: Vault, doomed: Doomed, check: Callable[[], None]) -> None:
    """Removes every object and version. Raises StoreUnavailable; what is gone by then stays gone."""
    for prefix in doomed.prefixes:
        check()
        vault.purge(prefix)


def finish_erasure(session: Session, doomed: Doomed) -> None:
    """Removes the rows and says in the log what was destroyed; features above are told by the names of jobs."""
    recording = recordings.locked(session, doomed.recording_id)
    erasure = session.get(Erasure, doomed.erasure_id, with_for_update={"of": Erasure}, populate_existing=True)
    if recording is None or erasure is None or erasure.state != "erasing":
        return
    _remove_rows(session, recording)
    free_parts(session, recording)  # those whose footage stays
    erasure.state, erasure.done_at = "done", now()
    recording.state, recording.reason_code, recording.reason = "erased", "erased", erasure.reason
    session.flush()
    note(session, SYSTEM, Tag.RECORDING_ERASED, recording, _certificate(session, recording, erasure))
    defer(session, "annotation.erase_drafts", recording_id=recording.id)
    defer(session, "releases.erase_footage", recording_id=recording.id)


def _keys(session: Session, recording_id: UUID) -> list[DataKey]:
    query = select(DataKey).where(DataKey.subject_kind == "recording", DataKey.subject_id == recording_id)
    return list(session.scalars(query))


def _inventory(session: Session, recording: Recording) -> dict[str, Any]:
    """Counts and digests of what is there, in integers and text."""
    every_set = select(Clip).where(Clip.recording_id == recording.id).order_by(Clip.clip_set, Clip.ordinal)
    clips = list(session.scalars(every_set))
    renditions = session.scalars(
        select(Rendition).where(Rendition.recording_id == recording.id).order_by(Rendition.kind)
    )
    masters = list(
        session.scalars(
            select(Redaction.sha256)
            .where(Redaction.recording_id == recording.id, Redaction.blob_key.is_not(None))
            .order_by(Redaction.number)
        )
    )
    hidden = list(
        session.scalars(
            select(RedactedClip.sha256)
            .join(Redaction, Redaction.id == RedactedClip.redaction_id)
            .where(Redaction.recording_id == recording.id)
            .order_by(Redaction.number, RedactedClip.clip_id)
        )
    )
    hashes = select(func.count()).select_from(FrameHash).where(FrameHash.recording_id == recording.id)
    return {
        "key": str(recording.data_key_id),
        "originals": 1,
        "renditions": {one.kind: one.sha256.hex() for one in renditions},
        "clips": len(clips),
        "clips_sha256": _digest(one.sha256 for one in clips),
        "redacted_masters": [sha256.hex() for sha256 in masters if sha256],
        "redacted_clips": len(hidden),
        "redacted_clips_sha256": _digest(hidden),
        "frame_hashes": int(session.scalar(hashes) or 0),
    }


def _digest(parts: Iterable[bytes]) -> str:
    """SHA-256 of these digests, one after the other."""
    return hashlib.sha256(b"".join(parts)).hexdigest()


def _remove_rows(session: Session, recording: Recording) -> None:
    of_it = select(Redaction.id).where(Redaction.recording_id == recording.id)
    session.execute(delete(RedactionRegion).where(RedactionRegion.redaction_id.in_(of_it)))
    session.execute(delete(RedactedClip).where(RedactedClip.redaction_id.in_(of_it)))
    emptied = update(Redaction).where(Redaction.recording_id == recording.id)
    session.execute(emptied.values(blob_key=None, size=None, made_by=None))
    either = (Duplicate.first_id == recording.id) | (Duplicate.second_id == recording.id)
    session.execute(delete(Duplicate).where(either))
    for model in (FrameHash, Fingerprint, IngestStep, Rendition, RecordingView):
        session.execute(delete(model).where(model.recording_id == recording.id))
    recording.report = recording.camera = recording.reference = recording.notes = None
    if recording.upload_id is not None:
        forget(session, recording.upload_id)
    else:  # it was joined from others
        note_kept(session, recording.organisation_id, -recording.size)


def _certificate(session: Session, recording: Recording, erasure: Erasure) -> dict[str, Any]:
    requested, confirmed = erasure.requested_at, erasure.confirmed_at
    return {
        **received(session, recording),
        "erasure": str(erasure.id),
        "ground": erasure.ground,
        "reason": erasure.reason,
        "requested_at": requested.isoformat(),
        "confirmed_at": confirmed.isoformat() if confirmed else None,
        "two_officers": erasure.requested_by != erasure.confirmed_by,
        "destroyed": erasure.destroyed,
    }
