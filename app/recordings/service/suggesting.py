"""What a recording's telemetry suggests of its camera and start: for its force's officers, who know better."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.orm import Session

from app.authz.permissions import Permission
from app.core.identity import Identity
from app.recordings.service.lifecycle import find
from app.recordings.service.telling import SuggestedDetails, told_by


def suggested_details(session: Session, identity: Identity, recording_id: UUID) -> SuggestedDetails | None:
    """What the file's telemetry says; None where it says nothing, or the recording was taken in before it was kept.

    Raises Forbidden for all but data officers, NotFound.
    """
    return told_by(find(session, identity, recording_id, Permission.RECORDING_DERIVE))
