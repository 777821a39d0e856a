"""Processing begun again from the original that is kept: a failure of the service has nothing handed over twice."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.audit.events import Tag
from app.authz.permissions import Permission
from app.core.identity import Identity
from app.jobs import defer
from app.recordings import queries
from app.recordings.models import Recording
from app.recordings.service.errors import NotAgain
from app.recordings.service.keys import key_of
from app.recordings.service.lifecycle import FAILED, find, note
from app.storage.base import BlobNotFound
from app.storage.vault import KeyDestroyed, Vault


def process_again(session: Session, identity: Identity, vault: Vault, recording_id: UUID) -> Recording:
    """Processes a recording anew that was rejected because the service failed; for those who may hand footage over.

    Raises Forbidden, NotFound, NotAgain saying why it cannot be, StoreUnavailable.
    """
    recording = find(session, identity, recording_id, Permission.UPLOAD_WRITE, lock=True)
    if recording.state != "rejected" or recording.reason_code != FAILED:
        raise NotAgain("Only what the service failed to process is processed again")
    if recording.upload_id is None:
        raise NotAgain("It was joined from others, which are still there: join them again")
    _require_original(session, vault, recording)
    if (newer := queries.same_file(session, recording.organisation_id, recording.sha256)) is not None:
        raise NotAgain(f"The same file was handed over again meanwhile, as recording {newer.id}")
    try:
        with session.begin_nested():
            recording.state, recording.reason_code, recording.reason = "processing", None, None
            session.flush()
    except IntegrityError:
        raise NotAgain("The same file is just being handed over again") from None
    recording.job_id = defer(session, "recordings.normalise", recording_id=recording.id)
    note(session, identity, Tag.RECORDING_AGAIN, recording, {"sha256": recording.sha256.hex()})
    return recording


def _require_original(session: Session, vault: Vault, recording: Recording) -> None:
    try:
        vault.size(key_of(session, recording), recording.blob_key)
    except (BlobNotFound, KeyDestroyed):
        raise NotAgain("Its original is no longer there: hand the file over again") from None
