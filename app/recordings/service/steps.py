"""The steps of one recording's ingest: spread over jobs, kept in the store when done, and counted.

Each step is a job of its own, so that any number of workers on any number of machines share a long recording. The
transaction that notes the last one done enqueues the joining.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

from sqlalchemy.orm import Session

from app.core.clock import now
from app.core.db import Database
from app.jobs import MEDIA_QUEUE, defer, status_of
from app.jobs import cancel as cancel_job
from app.recordings import queries
from app.recordings.models import IngestStep, Recording
from app.recordings.service.keys import key_of
from app.storage.models import DataKey
from app.storage.vault import Vault
from ingest.plan import Plan
from ingest.steps import PLAN, Step, Work, step_names

ALIVE = ("todo", "doing", "aborting")
# The first chunks of every recording before the later ones of any: a short recording does not wait for a long one.
# What a person asked for goes before all of it (`ASKED_FOR`).
SOUND_PRIORITY, JOIN_PRIORITY = 10, 20


@dataclass(frozen=True, slots=True)
class Processing:
    """A recording that is being worked on: its original, where that is stored, and the key to both."""

    recording_id: UUID
    sha256: str
    original: str
    key: DataKey


@dataclass(slots=True)
class KeptSteps:
    """An `ingest.steps.StepStore` in the vault. What `keep` stored counts once `note_done` committed its `files`.

    Objects lie under the job's attempt, so that a worker that was replaced overwrites nothing.
    """

    db: Database
    vault: Vault
    processing: Processing
    attempt_key: str
    check: Callable[[], None]
    files: dict[str, dict[str, str]] = field(default_factory=dict)

    def fetch(self, step: Step, into: Path) -> bool:
        with self.db.transaction() as session:
            row = queries.ingest_step(session, self.processing.recording_id, step.name)
            kept = row.files if row is not None and row.key == step.key else None
        for name, blob_key in (kept or {}).items():
            self.vault.fetch(self.processing.key, blob_key, into / name, self.check)
        return kept is not None

    def keep(self, step: Step, made: Path) -> None:
        prefix = f"recordings/{self.processing.recording_id}/steps/{step.name}/{self.attempt_key}"
        names = sorted(path.name for path in made.iterdir())
        for name in names:
            self.check()
            with (made / name).open("rb") as file:
                self.vault.write(self.processing.key, f"{prefix}/{name}", file)
        self.files[step.name] = {name: f"{prefix}/{name}" for name in names}


def processing_of(session: Session, recording_id: UUID) -> Processing | None:
    """What a job needs to work on a recording; None when nothing is left to do."""
    recording = session.get(Recording, recording_id)
    if recording is None or recording.state != "processing":
        return None
    key = key_of(session, recording)
    return Processing(recording.id, recording.sha256.hex(), recording.blob_key, key)


def open_steps(session: Session, recording_id: UUID, work: Work, plan: Plan, kept: KeptSteps) -> None:
    """Enqueues every step that is not done and not on its way; safe to run again."""
    recording = queries.locked(session, recording_id)
    if recording is None or recording.state != "processing":
        return
    planned = {PLAN, *step_names(plan)}
    for stale in queries.ingest_steps(session, recording_id):
        if stale.name not in planned:  # of an earlier plan that cut the recording otherwise
            session.delete(stale)
    _note(session, recording_id, work.step(PLAN), kept.files.get(PLAN))
    for name in step_names(plan):
        row = _note(session, recording_id, work.step(name), None)
        row.frames = plan.frames_of(name)
        if row.files is None and not _under_way(session, row):
            number = next((chunk.number for chunk in plan.chunks if chunk.name == name), None)
            priority = SOUND_PRIORITY if number is None else -number
            row.job_id = defer(
                session,
                "recordings.encode",
                queue=MEDIA_QUEUE,
                priority=priority,
                recording_id=recording_id,
                step=name,
            )
    session.flush()


def is_open(session: Session, recording_id: UUID, step: Step) -> bool:
    """True when the step waits to be done."""
    row = queries.ingest_step(session, recording_id, step.name)
    return row is not None and row.key == step.key and row.files is None


def replan_if_stale(session: Session, recording_id: UUID, step: Step) -> None:
    """Has a recording planned anew whose steps were planned by other settings or another ffmpeg than this worker's."""
    recording = queries.locked(session, recording_id)
    row = queries.ingest_step(session, recording_id, step.name)
    if recording is None or recording.state != "processing" or row is None:
        return
    alive = recording.job_id is not None and status_of(session, recording.job_id) in ALIVE
    if row.files is None and row.key != step.key and not alive:
        recording.job_id = defer(session, "recordings.normalise", recording_id=recording_id)
        session.flush()


def note_done(session: Session, recording_id: UUID, step: Step, kept: KeptSteps) -> None:
    """Makes a step's files count, unless another attempt's do; with the last one, enqueues the joining."""
    recording = queries.locked(session, recording_id)
    if recording is None or recording.state != "processing" or not is_open(session, recording_id, step):
        return
    _note(session, recording_id, step, kept.files.get(step.name))
    session.flush()
    _join_if_done(session, recording)


def forget_steps(session: Session, recording_id: UUID, *, cancel: bool = True) -> None:
    """Removes the rows of a recording's steps and cancels their jobs; the objects go with the next sweep."""
    for row in queries.ingest_steps(session, recording_id):
        if cancel and row.files is None and row.job_id is not None:
            cancel_job(session, row.job_id)
        session.delete(row)
    session.flush()


def is_worked_on(session: Session, recording: Recording) -> bool:
    """True while some job of the recording's ingest waits or runs."""
    waiting = [row.job_id for row in queries.ingest_steps(session, recording.id) if row.files is None]
    return any(job is not None and status_of(session, job) in ALIVE for job in (recording.job_id, *waiting))


def _note(session: Session, recording_id: UUID, step: Step, files: dict[str, str] | None) -> IngestStep:
    row = queries.ingest_step(session, recording_id, step.name)
    if row is None:
        row = IngestStep(recording_id=recording_id, name=step.name, key=step.key)
        session.add(row)
    if row.key != step.key:  # another profile, or another ffmpeg: done anew
        row.key, row.files, row.done_at, row.job_id = step.key, None, None, None
    if files is not None and row.files is None:
        row.files, row.done_at = files, now()
    return row


def _under_way(session: Session, row: IngestStep) -> bool:
    return row.job_id is not None and status_of(session, row.job_id) in ALIVE


def _join_if_done(session: Session, recording: Recording) -> None:
    rows = queries.ingest_steps(session, recording.id)
    if any(row.files is None for row in rows):
        return
    recording.job_id = defer(
        session, "recordings.assemble", queue=MEDIA_QUEUE, priority=JOIN_PRIORITY, recording_id=recording.id
    )
