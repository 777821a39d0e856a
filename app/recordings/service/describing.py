"""What a person says of recordings, said better later, of one or of many at once; and what a file itself suggests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy.orm import Session

from app.audit.events import Tag
from app.authz.permissions import Permission
from app.authz.predicates import require, require_same_organisation
from app.core.errors import InvalidRequest, NotFound, StaleVersion
from app.core.identity import Identity
from app.exercises.service import get_exercise
from app.recordings import queries
from app.recordings.models import Recording
from app.recordings.service.errors import DetailsFixed
from app.recordings.service.lifecycle import find, note, require_shown
from app.recordings.service.telling import told_by
from app.uploads.vocabulary import CAMERA_YEARS, DETAILS, MOST_LINE

MOST_AT_ONCE: Final = 1000
COLUMNS: Final = {name: name for name in DETAILS} | {
    "started_at": "camera_started_at",
    "clock_offset_seconds": "camera_offset_seconds",
}
_FIXED: Final = ("withdrawn", "erased")


def details_of(recording: Recording) -> dict[str, Any]:
    """The details as they stand, by their names."""
    return {name: getattr(recording, column) for name, column in COLUMNS.items()}


def change_details(
    session: Session, identity: Identity, recording_id: UUID, *, version: int, changes: Mapping[str, Any]
) -> Recording:
    """Says one recording's details anew; members that are not in `changes` stay.

    Raises NotFound, StaleVersion when somebody changed them since `version`, DetailsFixed.
    """
    recording = find(session, identity, recording_id, Permission.UPLOAD_WRITE, lock=True)
    if recording.details_version != version:
        raise StaleVersion
    _change(session, identity, recording, changes)
    return recording


def change_many(
    session: Session,
    identity: Identity,
    *,
    ids: Sequence[UUID],
    changes: Mapping[str, Any],
    fill_suggested: bool = False,
) -> list[Recording]:
    """Says the same of all those recordings, or of none. With `fill_suggested`, what is still not said of camera and
    start is taken from what each file claims itself.

    Raises NotFound when one is not there for the actor, DetailsFixed when one was withdrawn or erased.
    """
    require(identity, Permission.UPLOAD_WRITE)
    wanted = set(ids)
    if not 0 < len(wanted) <= MOST_AT_ONCE:
        raise InvalidRequest(f"Choose 1 to {MOST_AT_ONCE} recordings")
    found = queries.locked_many(session, wanted)
    if len(found) != len(wanted):
        raise NotFound
    for recording in found:
        require_same_organisation(identity, recording.organisation_id)
    for recording in found:
        missing = _missing(recording, changes) if fill_suggested else {}
        _change(session, identity, recording, missing | dict(changes))
    return found


def get_many(session: Session, identity: Identity, ids: Sequence[UUID]) -> list[Recording]:
    """Those recordings, oldest first. Raises NotFound when one is not there for the actor."""
    require(identity, Permission.RECORDING_READ)
    found = queries.by_ids(session, ids)
    if len(found) != len(set(ids)):
        raise NotFound
    for recording in found.values():
        require_shown(identity, recording)
    return sorted(found.values(), key=lambda one: one.id)


def describable(session: Session, identity: Identity, exercise_id: UUID) -> list[UUID]:
    """An exercise's recordings whose details can be changed, the newest MOST_AT_ONCE of them. Raises NotFound."""
    require(identity, Permission.RECORDING_READ)
    exercise = get_exercise(session, identity, exercise_id)
    return queries.ids_of_exercise(session, exercise.id, without=_FIXED, limit=MOST_AT_ONCE)


def suggestion_of(recording: Recording) -> dict[str, Any]:
    """What the file itself claims: `camera`, `started_at`, `clock` (whose time that is); empty where nothing."""
    told = told_by(recording)
    if told is None:
        return {}
    camera = " ".join(filter(None, (told.camera, told.serial)))[:MOST_LINE]
    said: dict[str, Any] = {"camera": camera} if camera else {}
    if told.started_at is not None and told.started_at.year in CAMERA_YEARS:
        said |= {"started_at": told.started_at, "clock": told.clock}
    return said


def _missing(recording: Recording, changes: Mapping[str, Any]) -> dict[str, Any]:
    now = details_of(recording)
    said = suggestion_of(recording)
    return {
        name: said[name]
        for name in ("camera", "started_at")
        if name in said and now[name] is None and name not in changes
    }


def _change(session: Session, identity: Identity, recording: Recording, changes: Mapping[str, Any]) -> None:
    if recording.state in _FIXED:
        raise DetailsFixed(f"{recording.filename} is {recording.state}")
    if foreign := changes.keys() - COLUMNS.keys():
        raise InvalidRequest(f"These members cannot be changed: {', '.join(sorted(foreign))}")
    before = details_of(recording)
    changed = {
        name: [_text(before[name]), _text(new)] for name, new in changes.items() if before[name] != new
    }
    if not changed:
        return
    for name in changed:
        setattr(recording, COLUMNS[name], changes[name])
    recording.details_version += 1
    session.flush()
    note(session, identity, Tag.RECORDING_DESCRIBED, recording, {"changed": changed})


def _text(value: Any) -> str | None:
    """A value as the log takes it, which has no fractions."""
    if value is None:
        return None
    return value.isoformat() if isinstance(value, datetime) else str(value)
