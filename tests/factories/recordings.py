"""Recordings as rows with stored originals, films to ingest, and jobs run on the spot."""

from __future__ import annotations

import hashlib
import io
import itertools
import subprocess
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from app.core.clock import now
from app.core.db import Database
from app.exercises.models import Exercise
from app.jobs import JobContext
from app.recordings import queries, tasks
from app.recordings.models import Clip, Recording, Rendition
from app.settings import Settings
from app.storage.vault import Vault
from app.uploads.queries import note_kept
from ingest.ffmpeg import find_tools
from tests.factories.uploads import make_upload


def make_film(path: Path, *, seconds: int = 4, rate: int = 10, size: str = "320x240") -> Path:
    """A test picture with a tone, H.264 and AAC in MP4."""
    command = [
        str(find_tools().ffmpeg),
        *("-v", "error", "-y"),
        *("-f", "lavfi", "-i", f"testsrc2=size={size}:rate={rate}:duration={seconds}"),
        *("-f", "lavfi", "-i", f"sine=frequency=440:sample_rate=48000:duration={seconds}"),
        *("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "aac", "-shortest"),
        str(path),
    ]
    subprocess.run(command, check=True, timeout=120)
    return path


def make_recording(
    session: Session, vault: Vault, *, exercise: Exercise | None = None, data: bytes = b"film", **values: Any
) -> Recording:
    """A recording in processing whose original is stored."""
    digest = hashlib.sha256(data).digest()
    upload = make_upload(
        session, exercise=exercise, length=len(data), offset=len(data), state="recorded", sha256=digest
    )
    note_kept(session, upload.organisation_id, len(data))
    key = vault.new_key(session, "recording", upload.id)
    blob_key = f"recordings/{upload.id}/original"
    vault.write(key, blob_key, io.BytesIO(data))
    facts: dict[str, Any] = {
        "id": upload.id,
        "organisation_id": upload.organisation_id,
        "exercise_id": upload.exercise_id,
        "upload_id": upload.id,
        "data_key_id": key.id,
        "filename": upload.filename,
        "sha256": digest,
        "size": len(data),
        "blob_key": blob_key,
    }
    row = Recording(**facts | values)
    session.add(row)
    session.flush()
    return row


def make_ready_recording(session: Session, vault: Vault, **values: Any) -> Recording:
    """A recording of 100 frames at 10 a second with a stored proxy and two clips of 50 frames."""
    row = make_recording(session, vault, state="ready", ready_at=now(), frame_count=100, attempt=1, **values)
    row.time_base_num, row.time_base_den, row.duration_seconds = 1, 1000, 10.0
    row.width, row.height, row.has_audio = 320, 240, True
    store_rendition(session, vault, row, "proxy", b"0123456789" * 1000, "video/mp4")
    for ordinal in range(2):
        data = f"clip {ordinal}".encode()
        session.add(
            Clip(
                recording_id=row.id,
                ordinal=ordinal,
                start_frame=50 * ordinal,
                end_frame=50 * (ordinal + 1),
                start_pts=5000 * ordinal,
                end_pts=5000 * (ordinal + 1),
                seconds=5.0,
                eventful=ordinal == 0,
                reasons=["impulse"] if ordinal == 0 else [],
                **_stored(session, vault, row, f"clips/{ordinal:04}.mp4", data),
            )
        )
    session.flush()
    return row


def store_rendition(
    session: Session, vault: Vault, recording: Recording, kind: str, data: bytes, media_type: str
) -> Rendition:
    """A stored rendition of those bytes."""
    row = Rendition(
        recording_id=recording.id,
        kind=kind,
        attempt=1,
        media_type=media_type,
        made_by={},
        **_stored(session, vault, recording, kind, data),
    )
    session.add(row)
    session.flush()
    return row


def _stored(session: Session, vault: Vault, recording: Recording, name: str, data: bytes) -> dict[str, Any]:
    from app.storage.models import DataKey

    key = session.get(DataKey, recording.data_key_id)
    assert key is not None
    blob_key = f"recordings/{recording.id}/1/{name}"
    vault.write(key, blob_key, io.BytesIO(data))
    return {"blob_key": blob_key, "size": len(data), "sha256": hashlib.sha256(data).digest()}


def job_context(
    database: Database, settings: Settings, vault: Vault, *, job_id: int = 1, attempt: int = 1
) -> JobContext:
    """What a worker would give to a task."""
    resources: dict[type[Any], Any] = {Database: database, Settings: settings, Vault: vault}
    return JobContext(resources, job_id=job_id, attempt=attempt)


def ingest_on_the_spot(
    database: Database, settings: Settings, vault: Vault, recording_id: UUID, *, first_job: int = 100
) -> None:
    """Runs every job of a recording's ingest, one after the other, as a single worker would."""
    numbers = itertools.count(first_job)

    def job() -> JobContext:
        return job_context(database, settings, vault, job_id=next(numbers))

    tasks.normalise(job(), recording_id=recording_id)
    for name in waiting_steps(database, recording_id):
        tasks.encode(job(), recording_id=recording_id, step=name)
    tasks.assemble(job(), recording_id=recording_id)
    tasks.compare(job(), recording_id=recording_id)


def waiting_steps(database: Database, recording_id: UUID) -> list[str]:
    """Names of the steps that are not done."""
    with database.transaction() as session:
        return [row.name for row in queries.ingest_steps(session, recording_id) if row.files is None]


def stored_keys(vault: Vault, recording_id: UUID) -> list[str]:
    """Every object stored for a recording."""
    return list(vault.store.list(f"recordings/{recording_id}/"))
