"""Parts whose joined recording is in quarantine and that are not themselves: they count through it alone, and so stand
back with it. Their own history and pages say so, and why."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from sqlalchemy.orm import Session

from app.audit.events import Tag
from app.core.identity import Identity
from app.custody import queries
from app.custody.models import Incident
from app.recordings.models import Recording
from app.recordings.service import note, parts_of


def stands_back(session: Session, identity: Identity, recording: Recording) -> Incident | None:
    """The incident for which the joined recording that stands for this one is in quarantine; of another force's nobody
    is told."""
    if recording.part_of_id is None or identity.organisation_id != recording.organisation_id:
        return None
    whole = session.get_one(Recording, recording.part_of_id)
    return queries.incident(session, whole.id) if whole.state == "quarantined" else None


def note_standing_back(session: Session, identity: Identity, incident: Incident) -> None:
    """Tells the parts of a recording that was set apart, but for those that were set apart as well."""
    for part in _others(session, incident.recording):
        _note(session, identity, Tag.JOINED_QUARANTINED, part, incident, incident.reason)


def note_cleared(session: Session, identity: Identity, incident: Incident, *, but: Collection[UUID]) -> None:
    """Tells the parts of a recording that was cleared, but for those that were cleared with it; and of a part that was
    cleared by itself, that the joined recording was not."""
    for part in _others(session, incident.recording):
        if part.id not in but:
            _note(session, identity, Tag.JOINED_CLEARED, part, incident, incident.outcome_reason or "")
    if (still := stands_back(session, identity, incident.recording)) is not None:
        _note(session, identity, Tag.JOINED_QUARANTINED, incident.recording, still, still.reason)


def _others(session: Session, whole: Recording) -> list[Recording]:
    parts = [one.part for one in parts_of(session, whole)]
    return [one for one in parts if one.part_of_id == whole.id and one.state != "quarantined"]


def _note(
    session: Session, identity: Identity, tag: Tag, part: Recording, incident: Incident, reason: str
) -> None:
    said = {"joined": str(incident.recording_id), "incident": str(incident.id), "reason": reason}
    note(session, identity, tag, part, said)
