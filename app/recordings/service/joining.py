"""Several recordings joined to one, whose original is their originals' packets, copied and proven equal.

The parts stay what they are, with their own originals and entries in the log. The joined one goes through the same
steps as any other recording.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from app.audit.events import Tag
from app.authz.permissions import Permission
from app.core.clock import now
from app.core.errors import InvalidRequest
from app.core.identity import SYSTEM, Identity
from app.exercises.service import open_exercise
from app.jobs import defer
from app.recordings import queries
from app.recordings.models import Derivation, Recording, Rendition
from app.recordings.service.deriving import GONE, ask, end, fail, opened, still_open
from app.recordings.service.errors import NotJoinable
from app.recordings.service.keys import key_of
from app.recordings.service.lifecycle import find, note
from app.recordings.service.parts import PartOf, stand_for
from app.recordings.service.storing import StoredOriginal, store_original
from app.settings import Settings
from app.storage.models import DataKey
from app.storage.vault import Vault
from app.uploads import service as uploads
from ingest.joining import PARTS_NAME, Part, parts_document

MOST_PARTS = 100


@dataclass(frozen=True, slots=True)
class JoinSource:
    """A part's original: what its camera called it, where it is stored, and the key to it."""

    recording_id: UUID
    filename: str
    blob_key: str
    key: DataKey


@dataclass(frozen=True, slots=True)
class JoinOrder:
    """What to join, in the order in which it was asked for."""

    derivation_id: UUID
    sources: tuple[JoinSource, ...]

    @property
    def ids(self) -> list[UUID]:
        """The recordings."""
        return [source.recording_id for source in self.sources]


def request_join(
    session: Session, settings: Settings, identity: Identity, *, ids: Sequence[UUID]
) -> Derivation:
    """Has recordings of one exercise joined; in which order is told by their names and clocks, by the job.

    Raises Forbidden, NotFound, ExerciseClosed, NotJoinable naming the one that is not, AlreadyAsked, QuotaExceeded.
    """
    if not 2 <= len(set(ids)) <= MOST_PARTS or len(set(ids)) < len(ids):
        raise InvalidRequest(f"ids: name from 2 to {MOST_PARTS} different recordings")
    parts = [find(session, identity, one, Permission.RECORDING_DERIVE, lock=True) for one in sorted(ids)]
    if len({part.exercise_id for part in parts}) > 1:
        raise NotJoinable("They are of different exercises: join recordings of one")
    open_exercise(session, identity, parts[0].exercise_id)
    under_way = queries.ids_being_joined(session, parts[0].exercise_id)
    for part in parts:
        if problem := _problem(session, part, under_way):
            raise NotJoinable(f"{part.filename} {problem}")
    uploads.require_room(session, settings, parts[0].organisation_id, sum(part.size for part in parts))
    ordered = sorted(parts, key=lambda part: ids.index(part.id))
    return ask(session, identity, ordered[0], "join", {"parts": [str(part.id) for part in ordered]})


def _problem(session: Session, part: Recording, under_way: set[UUID]) -> str:
    if part.state != "ready":
        return "is not ready: wait until it is, or leave it out"
    if part.part_of_id is not None:
        return "is part of a joined recording already"
    if queries.parts_of(session, part.id):
        return "was joined from others itself: leave it out"
    return "is just being joined" if part.id in under_way else ""


def begin_join(session: Session, derivation_id: UUID, *, job_id: int) -> JoinOrder | None:
    """What this job is to join; None when there is nothing (left) to do."""
    row = opened(session, derivation_id, job_id)
    if row is None:
        return None
    parts = [session.get_one(Recording, UUID(one)) for one in row.parameters["parts"]]
    if any(part.state != "ready" for part in parts):
        fail(session, row, "gone", GONE)
        return None
    return JoinOrder(
        row.id,
        tuple(JoinSource(part.id, part.filename, part.blob_key, key_of(session, part)) for part in parts),
    )


@dataclass(frozen=True, slots=True)
class StoredJoin:
    """A joined original and its list of parts, in the vault; `found` says which frames are whose, in order."""

    original: StoredOriginal
    parts: Rendition
    found: tuple[Part, ...]


def store_join(
    vault: Vault,
    order: JoinOrder,
    joined: Path,
    found: Sequence[Part],
    attempt_key: str,
    check: Callable[[], None],
) -> StoredJoin:
    """Encrypts the joined file under a key of its own, and beside it `parts.json`, which names files as officers did: a
    rendition that no route shows. Raises StoreUnavailable."""
    with joined.open("rb") as file:
        original = store_original(vault, order.derivation_id, attempt_key, file, check)
    text = parts_document(found, _name(found)).encode()
    blob_key = f"{original.beside}/{PARTS_NAME}"
    parts = Rendition(
        recording_id=order.derivation_id,
        kind="parts",
        attempt=0,
        blob_key=blob_key,
        media_type="application/json",
        size=vault.write(original.key, blob_key, io.BytesIO(text)),
        sha256=hashlib.sha256(text).digest(),
        made_by={"tool": "ingest.joining", "parts": [part.sha256 for part in found]},
    )
    return StoredJoin(original, parts, tuple(found))


def commit_join(session: Session, order: JoinOrder, stored: StoredJoin, *, job_id: int) -> None:
    """Makes what was stored a recording; its processing is enqueued. Raises Superseded."""
    row = still_open(session, order.derivation_id, job_id)
    original = stored.original
    if (earlier := queries.same_file(session, row.organisation_id, original.sha256)) is not None:
        fail(session, row, "duplicate", f"The parts joined are what {earlier.filename} is already")
        return
    parts = _in_order([queries.locked(session, one) for one in sorted(order.ids)], stored.found)
    if parts is None:
        fail(session, row, "gone", GONE)
        return
    session.add(original.key)
    session.flush()
    recording = Recording(
        id=row.id,
        upload_id=None,
        received_at=now(),
        data_key_id=original.key.id,
        blob_key=original.blob_key,
        size=original.size,
        sha256=original.sha256,
        filename=_name(stored.found),
        **_facts([one.part for one in parts]),
    )
    session.add(recording)
    session.flush()
    session.add(stored.parts)
    uploads.note_kept(session, recording.organisation_id, recording.size)
    stand_for(session, recording, parts)
    _note(session, recording, parts)
    recording.job_id = defer(session, "recordings.normalise", recording_id=recording.id)
    end(session, row, {"recording_id": str(recording.id)})


def _in_order(held: Sequence[Recording | None], found: Sequence[Part]) -> list[PartOf] | None:
    """The parts' recordings in order; None where one can no longer be used."""
    usable = [one for one in held if one is not None and one.state == "ready" and one.part_of_id is None]
    if len(usable) < len(held):
        return None
    by_digest = {one.sha256.hex(): one for one in usable}
    return [PartOf(by_digest[part.sha256], part.start_frame, part.end_frame) for part in found]


def _name(found: Sequence[Part]) -> str:
    """What the joined file is called: after the first of its parts."""
    more = len(found) - 1
    return f"{PurePath(found[0].name).stem} and {more} more part{'s' if more > 1 else ''}.mov"


def _facts(parts: Sequence[Recording]) -> dict[str, Any]:
    """What the parts say together; camera and clock only where all say the same."""
    first = parts[0]
    cameras = {part.camera for part in parts}
    offsets = {part.camera_offset_seconds for part in parts}
    return {
        "organisation_id": first.organisation_id,
        "exercise_id": first.exercise_id,
        "camera": first.camera if len(cameras) == 1 else None,
        "camera_started_at": first.camera_started_at,
        "camera_offset_seconds": first.camera_offset_seconds if len(offsets) == 1 else None,
    }


def _note(session: Session, recording: Recording, parts: Sequence[PartOf]) -> None:
    """One entry for the joined recording, which names the parts, and one for each part, which names it."""
    named = [
        {
            "recording": str(one.part.id),
            "sha256": one.part.sha256.hex(),
            "frames": [one.start_frame, one.end_frame],
        }
        for one in parts
    ]
    details = {"sha256": recording.sha256.hex(), "size": recording.size, "parts": named}
    note(session, SYSTEM, Tag.RECORDING_JOINED, recording, details)
    for one in parts:
        note(session, SYSTEM, Tag.RECORDING_JOINED, one.part, {"into": str(recording.id)})
