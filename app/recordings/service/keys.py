"""The data key that a recording's original and everything derived from it are encrypted under."""

from __future__ import annotations

from sqlalchemy.orm import Session

from app.core.errors import NotFound
from app.recordings.models import Recording
from app.storage.models import DataKey


def key_of(session: Session, recording: Recording) -> DataKey:
    """The data key of a recording. Raises NotFound."""
    key = session.get(DataKey, recording.data_key_id)
    if key is None:
        raise NotFound
    return key
