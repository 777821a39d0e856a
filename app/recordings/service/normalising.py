"""What counts of an ingest attempt: begun under a number, stored under keys of that number, committed if it is still
the newest.

A worker that was stopped, replaced and continued finds its number overtaken and leaves no trace.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from uuid import UUID

from sqlalchemy.orm import Session

from app.audit.events import Tag
from app.core.clock import now
from app.core.identity import SYSTEM
from app.jobs import MEDIA_QUEUE, Superseded, defer
from app.recordings import queries
from app.recordings.models import Recording, Rendition
from app.recordings.service import lifecycle
from app.recordings.service.clips import clip_rows
from app.recordings.service.fingerprinting import store_fingerprints
from app.recordings.service.keys import key_of
from app.recordings.service.steps import forget_steps
from app.storage.models import DataKey
from app.storage.vault import Vault
from ingest.fingerprint import FrameHash
from ingest.report import Recipe, Report
from ingest.suggestion import Suggestion

PROPOSALS_WAIT = -10_000  # behind every recording that is not ready yet


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try at one recording."""

    recording_id: UUID
    number: int
    key: DataKey

    @property
    def prefix(self) -> str:
        """Under which everything of this attempt, and nothing else, is stored."""
        return f"recordings/{self.recording_id}/{self.number}"

    def blob_key(self, path: str) -> str:
        """Where a file of the report is stored."""
        return f"{self.prefix}/{path}"


def begin_attempt(session: Session, recording_id: UUID) -> Attempt | None:
    """Makes this the newest attempt; None when there is nothing (left) to do."""
    recording = queries.locked(session, recording_id)
    if recording is None or recording.state != "processing":
        return None
    recording.attempt += 1
    session.flush()
    return Attempt(recording.id, recording.attempt, key_of(session, recording))


def store_outputs(
    vault: Vault, attempt: Attempt, directory: Path, report: Report, check: Callable[[], None]
) -> None:
    """Encrypts every rendition and clip under the attempt's keys. Raises StoreUnavailable."""
    for path in [*(one.path for one in report.renditions), *(one.path for one in report.clips)]:
        check()
        with (directory / path).open("rb") as file:
            vault.write(attempt.key, attempt.blob_key(path), file)


def commit_outputs(
    session: Session,
    attempt: Attempt,
    report: Report,
    hashes: Sequence[FrameHash],
    suggestion: Suggestion | None = None,
) -> None:
    """Makes the attempt's outputs the recording's: facts, renditions, clips, audit entry, next job.

    Raises Superseded when a later attempt has begun, or somebody ended the processing.
    """
    recording = _current(session, attempt)
    source, base = report.source, Fraction(report.source.time_base)
    recording.frame_count, recording.duration_seconds = source.frame_count, source.duration
    recording.time_base_num, recording.time_base_den = base.numerator, base.denominator
    recording.width, recording.height = source.width, source.height
    recording.has_audio = source.audio_codec is not None
    recording.report = {
        "source": asdict(source),
        "profile": report.profile,
        "findings": list(report.findings),
        "version": report.version,
    }
    recording.suggestion = asdict(suggestion) if suggestion else None
    recording.state, recording.ready_at = "ready", now()
    session.add_all(_renditions(attempt, report))
    session.add_all(clip_rows(recording.id, recording.clip_set, report.clips, attempt.blob_key))
    forget_steps(session, recording.id, cancel=False)
    store_fingerprints(session, recording, hashes, md5=bytes.fromhex(source.md5))
    details = {"attempt": attempt.number, "frames": source.frame_count, "clips": len(report.clips)}
    lifecycle.note(session, SYSTEM, Tag.RECORDING_READY, recording, details)
    defer(session, "annotation.open_tasks", recording_id=recording.id)
    defer(
        session,
        "redaction.propose",
        queue=MEDIA_QUEUE,
        priority=PROPOSALS_WAIT,
        recording_id=recording.id,
    )


def _current(session: Session, attempt: Attempt) -> Recording:
    recording = queries.locked(session, attempt.recording_id)
    if recording is None or recording.state != "processing" or recording.attempt != attempt.number:
        raise Superseded(f"attempt {attempt.number} of recording {attempt.recording_id} no longer counts")
    return recording


def _renditions(attempt: Attempt, report: Report) -> list[Rendition]:
    return [
        Rendition(
            recording_id=attempt.recording_id,
            kind=one.kind,
            attempt=attempt.number,
            blob_key=attempt.blob_key(one.path),
            media_type=one.media_type,
            size=one.size,
            sha256=bytes.fromhex(one.sha256),
            made_by=_made_by(report.recipes[one.recipe], one.width, one.height),
        )
        for one in report.renditions
    ]


def _made_by(recipe: Recipe, width: int | None, height: int | None) -> dict[str, object]:
    return asdict(recipe) | {"width": width, "height": height}
