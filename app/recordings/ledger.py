"""The frame ledger of a recording, as features that cite frames need it."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from sqlalchemy.orm import Session

from app.recordings import queries
from app.recordings.models import Recording
from app.recordings.service.errors import NotViewable
from app.recordings.service.keys import key_of
from app.storage.vault import Vault
from ingest.frames import Ledger


def load_ledger(vault: Vault, session: Session, recording: Recording) -> Ledger:
    """Reads and decrypts the ledger; it holds times and hashes, no pictures. Raises NotViewable, IntegrityError."""
    rendition = queries.rendition(session, recording.id, "ledger")
    if rendition is None:
        raise NotViewable
    with tempfile.NamedTemporaryFile(prefix="ledger-", suffix=".parquet") as file:
        with vault.open(key_of(session, recording), rendition.blob_key) as stored:
            shutil.copyfileobj(stored, file)
        file.flush()
        return Ledger.read(Path(file.name))
