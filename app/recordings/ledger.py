"""The frame ledger of a recording, as features that cite frames need it."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.orm import Session

from app.recordings import queries
from app.recordings.models import Recording
from app.recordings.service.errors import NotViewable
from app.recordings.service.keys import key_of
from app.storage.vault import Vault
from ingest.frames import Ledger

LedgerOf = Callable[[Recording], Ledger]


@dataclass(frozen=True, slots=True)
class FrameTimes:
    """Rows of the frame ledger from `start_frame` on; `pts` and `end_pts` in units of the time base."""

    start_frame: int
    time_base_num: int
    time_base_den: int
    pts: list[int]
    end_pts: int


def times_of(ledger: Ledger, start: int, end: int) -> FrameTimes:
    """When frames start ≤ n < end are shown, as the camera stamped them."""
    return FrameTimes(
        start_frame=start,
        time_base_num=ledger.time_base.numerator,
        time_base_den=ledger.time_base.denominator,
        pts=ledger.pts[start:end].tolist(),
        end_pts=ledger.pts_of(end),
    )


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
