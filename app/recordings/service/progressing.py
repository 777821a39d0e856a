"""How far the ingest of a recording is, over all its jobs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from app.core.clock import now
from app.jobs import JobProgress, progress_of
from app.recordings import queries
from app.recordings.models import IngestStep, Recording


@dataclass(frozen=True, slots=True)
class IngestProgress:
    """`done` of `total` counts `unit`s of the present step; `eta_seconds` until the pictures are coded, as far as the
    pace so far tells; None where it tells nothing."""

    step: str
    done: float
    total: float | None
    unit: str
    attempt: int
    updated_at: datetime
    eta_seconds: float | None = None

    @classmethod
    def of_job(cls, row: JobProgress) -> IngestProgress:
        """What one job says of itself."""
        return cls(row.step, row.done, row.total, row.unit, row.attempt, row.updated_at)


def progress(session: Session, recording: Recording) -> IngestProgress | None:
    """How far the processing of a recording is; None once it has ended, or before it began."""
    if recording.state != "processing":
        return None
    newest = progress_of(session, "recording", recording.id)
    if newest is None:
        return None
    steps = queries.ingest_steps(session, recording.id)
    if all(step.files is not None for step in steps):
        return IngestProgress.of_job(newest)
    return _encoding(steps, queries.progress_by_job(session, recording.id), newest)


def _encoding(
    steps: list[IngestStep], running: dict[int, JobProgress], newest: JobProgress
) -> IngestProgress:
    total = sum(step.frames for step in steps)
    done = 0.0
    for step in steps:
        at = running.get(step.job_id or 0)
        part = at.done if at is not None and at.unit == "frames" else 0.0
        done += step.frames if step.files is not None else min(part, step.frames)
    spent = (now() - min(step.created_at for step in steps)).total_seconds()
    eta = spent / done * (total - done) if done >= total * 0.02 and done else None
    updated = max([newest.updated_at, *(row.updated_at for row in running.values())])
    return IngestProgress("encode", done, float(total), "frames", newest.attempt, updated, eta)
