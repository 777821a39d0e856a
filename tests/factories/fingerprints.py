"""Hashes as footage gives them, without footage: chains of 256 bits, and copies that differ a little."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from sqlalchemy.orm import Session

from app.core.db import Database
from app.recordings import service
from app.recordings.models import Recording
from ingest.fingerprint import FrameHash


def film(seed: int, frames: int = 20, *, quality: int = 100) -> list[FrameHash]:
    """Unlike frames, two a second of ten: as a camera that moves."""
    drawn = np.random.default_rng(seed).integers(0, 256, (frames, 32), dtype=np.uint8)
    return [at(number, bytes(digest), quality) for number, digest in enumerate(drawn)]


def at(number: int, digest: bytes, quality: int = 100) -> FrameHash:
    """The hash as that of the film's frame 5 × number, at 100 ticks of a millisecond a frame."""
    return FrameHash(hash=digest, quality=quality, seconds=number / 2, ordinal=5 * number, pts=500 * number)


def copied(hashes: Sequence[FrameHash], bits: int, seed: int = 0) -> list[FrameHash]:
    """A copy, counted from its own first frame, each hash of which differs in that many bits."""
    random = np.random.default_rng(seed)
    found = []
    for number, one in enumerate(hashes):
        flips = sum(1 << int(bit) for bit in random.choice(256, bits, replace=False))
        changed = (int.from_bytes(one.hash) ^ flips).to_bytes(32)
        found.append(at(number, changed, one.quality))
    return found


def store(
    session: Session, recording: Recording, hashes: Sequence[FrameHash], md5: bytes | None = None
) -> None:
    """As the end of ingest does; the MD5 is one of its own unless told."""
    own = hashlib.md5(recording.id.bytes, usedforsecurity=False).digest()
    service.store_fingerprints(session, recording, hashes, md5=md5 or own)


def compare(database: Database, *recordings: Recording) -> list[int]:
    """As the job does, for each in turn; how many duplicates each has."""
    found = []
    for recording in recordings:
        with database.transaction() as session:
            found.append(service.find_duplicates(session, recording.id, lambda: None))
    return found
