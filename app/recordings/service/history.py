"""Custody: what the log holds about one recording, for the force that it belongs to."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.orm import Session

from app.audit.models import AuditEvent
from app.audit.queries import EventFilter, page_of_events
from app.authz.permissions import Permission
from app.core.identity import Identity
from app.recordings.service.lifecycle import find

MOST = 200


def custody(session: Session, identity: Identity, recording_id: UUID) -> list[AuditEvent]:
    """The recording's entries and its upload's, oldest first, at most the newest MOST of each. Raises NotFound.

    Only entries of the recording's own organisation: what others do with its labels is not in them.
    """
    recording = find(session, identity, recording_id, Permission.RECORDING_READ)
    scope = frozenset({recording.organisation_id})
    subjects = [("recording", recording.id)]
    if recording.upload_id is not None:
        subjects.insert(0, ("upload", recording.upload_id))
    found = [
        event
        for kind, subject_id in subjects
        for event in page_of_events(
            session, EventFilter(subject_kind=kind, subject_id=subject_id), scope, cursor=None, limit=MOST
        ).items
    ]
    return sorted(found, key=lambda event: event.id)
