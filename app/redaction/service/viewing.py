"""Looking at a redacted master, and at the times of frames; the log gets an entry as for any footage."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.orm import Session

from app.audit.events import Tag
from app.authz.permissions import Permission
from app.core.identity import Identity
from app.recordings.ledger import FrameTimes, LedgerOf, times_of
from app.recordings.service import key_of, record_view
from app.recordings.service.errors import NotViewable
from app.redaction.models import Redaction
from app.redaction.service.lifecycle import find
from app.storage.models import DataKey


def open_redacted(session: Session, identity: Identity, redaction_id: UUID) -> tuple[Redaction, DataKey]:
    """A rendered redaction and the key to its master; audited. Raises NotFound, NotViewable without a master."""
    redaction = find(session, identity, redaction_id, Permission.RECORDING_VIEW)
    if redaction.state != "rendered" or redaction.blob_key is None:
        raise NotViewable
    what = f"redaction:{redaction.number}"
    record_view(session, identity, redaction.recording, what, tag=Tag.REDACTION_VIEWED)
    return redaction, key_of(session, redaction.recording)


def frame_times(session: Session, identity: Identity, ledger_of: LedgerOf, redaction_id: UUID) -> FrameTimes:
    """When each frame of the recording is shown. Raises NotFound, NotViewable."""
    redaction = find(session, identity, redaction_id, Permission.RECORDING_VIEW)
    ledger = ledger_of(redaction.recording)
    return times_of(ledger, 0, ledger.frame_count)
