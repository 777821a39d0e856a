"""A ready recording of a force with two officers."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

import pytest
from sqlalchemy import select

from app.audit.models import AuditEvent
from app.core.db import Database
from app.core.identity import Identity
from app.recordings.models import Recording
from app.settings import Settings
from app.storage.vault import Vault
from tests.factories.custody import make_officer
from tests.factories.recordings import make_ready_recording


@dataclass
class Force:
    """The resources, the recording, and who decides about it."""

    database: Database
    settings: Settings
    vault: Vault
    recording_id: UUID
    first: Identity
    second: Identity

    def state(self) -> str:
        with self.database.transaction() as session:
            return session.get_one(Recording, self.recording_id).state

    def tags(self) -> list[str]:
        """Of the recording's entries, oldest first."""
        query = select(AuditEvent.tag).where(AuditEvent.subject_id == self.recording_id)
        with self.database.transaction() as session:
            return list(session.scalars(query.order_by(AuditEvent.id)))


@pytest.fixture
def force(database: Database, settings: Settings, vault: Vault) -> Force:
    with database.transaction() as session:
        recording = make_ready_recording(session, vault)
        officers = [make_officer(session, recording) for _ in range(2)]
    return Force(database, settings, vault, recording.id, *officers)
