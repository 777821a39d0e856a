"""Redactions as rows and as proposals, for tests of the feature and of what stands above it."""

from __future__ import annotations

import hashlib
import io
from typing import Any

from sqlalchemy.orm import Session

from app.recordings.models import Recording
from app.recordings.service import key_of
from app.redaction import queries
from app.redaction.models import Redaction
from app.redaction.regions import Wanted
from app.redaction.service import proposing, rendering
from app.redaction.service.rendering import StoredFile
from app.storage.vault import Vault
from ingest.redact.boxes import Box
from ingest.redact.propose import Proposals
from ingest.redact.regions import Keyframe
from ingest.redact.tracks import Track
from ingest.redact.voices import Voice
from tests.factories.annotation import TenAFrame

FOUND = Proposals(
    tracks=(
        Track(
            "face",
            10,
            40,
            0.9,
            6,
            (Keyframe(10, Box(0.1, 0.1, 0.2, 0.3)), Keyframe(39, Box(0.5, 0.1, 0.2, 0.3))),
        ),
        Track("face", 50, 60, 0.4, 1, (Keyframe(50, Box(0.7, 0.7, 0.1, 0.1)),)),
    ),
    voices=(Voice(20, 30, 0.8),),
    step=5,
)


def drawn(**values: Any) -> Wanted:
    """A plate that somebody draws."""
    keyframes = [{"frame": 5, "box": [0.2, 0.2, 0.1, 0.1], "outside": False}]
    facts: dict[str, Any] = {
        "kind": "plate",
        "style": "mask",
        "start_frame": 5,
        "end_frame": 25,
        "keyframes": keyframes,
    }
    return Wanted(**facts | values)


def make_redaction(session: Session, recording: Recording, proposals: Proposals = FOUND) -> Redaction:
    """What a machine proposed for a ready recording of 100 frames."""
    made = proposing.commit_proposals(session, recording.id, proposals, TenAFrame(), "tests")  # type: ignore[arg-type]
    assert made is not None
    session.refresh(made)
    return made


def make_rendered(session: Session, vault: Vault, redaction: Redaction) -> Redaction:
    """As if the redaction's job had run: a stored master and a stored clip for each of the recording's."""
    redaction.state = "rendering"
    session.flush()
    key = key_of(session, redaction.recording)

    def stored(name: str) -> StoredFile:
        data = f"redacted {name}".encode()
        blob_key = f"redactions/{redaction.id}/job1-1/{name}"
        vault.write(key, blob_key, io.BytesIO(data))
        return StoredFile(blob_key, len(data), hashlib.sha256(data).digest())

    clips = queries.clips_to_cut(session, redaction.recording_id)
    rendering.commit_render(
        session,
        redaction.id,
        job_id=redaction.job_id,
        master=stored("master.mp4"),
        clips={clip.id: stored(f"clips/{clip.ordinal:04}.mp4") for clip in clips},
        made_by={},
    )
    return redaction
