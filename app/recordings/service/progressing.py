"""How far the ingest of a recording is, over all its jobs, and what it waits for where none of them runs."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from app.jobs import (
    JobProgress,
    MachineWait,
    Waiting,
    machine_waits_by_job,
    newest_progress,
    waiting,
    waiting_by,
)
from app.recordings import queries
from app.recordings.models import Derivation, IngestStep, Recording

ENOUGH = 0.02  # of the frames: before that, the pace tells nothing


@dataclass(frozen=True, slots=True)
class IngestProgress:
    """`done` of `total` counts `unit`s of the present step; `eta_seconds` of work until the pictures are coded, as far
    as the pace so far tells; None where it tells nothing. `waiting` is set while no job works on it."""

    step: str
    done: float
    total: float | None
    unit: str
    attempt: int
    updated_at: datetime
    eta_seconds: float | None = None
    waiting: Waiting | None = None

    @classmethod
    def of_job(cls, row: JobProgress) -> IngestProgress:
        """What one job says of itself."""
        return cls(row.step, row.done, row.total, row.unit, row.attempt, row.updated_at)


def progress(session: Session, recording: Recording) -> IngestProgress | None:
    """How far the processing of a recording is; None once it has ended, or before it first began."""
    return progress_of_many(session, [recording]).get(recording.id)


def progress_of_many(session: Session, recordings: Iterable[Recording]) -> dict[UUID, IngestProgress]:
    """How far the processing of each is, with a few queries for them all; without those of which it has ended or never
    began."""
    at_work = {one.id: one for one in recordings if one.state == "processing"}
    newest = newest_progress(session, "recording", at_work)
    steps = queries.steps_of_many(session, newest)
    own = {one: at_work[one].job_id for one in newest}
    jobs = {*own.values(), *(step.job_id for some in steps.values() for step in some)}
    begun = queries.progress_by_job(session, {job for job in jobs if job is not None})
    waits = waiting_by(session, {one: [own[one], *_jobs_to_do(steps.get(one, []))] for one in newest})
    return {
        one: replace(_so_far(own[one], steps.get(one, []), begun, newest[one]), waiting=waits.get(one))
        for one in newest
    }


def _jobs_to_do(steps: list[IngestStep]) -> list[int | None]:
    return [step.job_id for step in steps if step.files is None]


def progress_of_job(session: Session, row: JobProgress) -> IngestProgress:
    """What one job says of itself, and what it waits for."""
    return replace(IngestProgress.of_job(row), waiting=waiting(session, [row.job_id]))


def machine_waits_of(session: Session, derivations: Collection[Derivation]) -> dict[UUID, MachineWait]:
    """Of those that are being made, which wait for the machine, by their ids."""
    jobs = {one.job_id: one.id for one in derivations if one.state == "open"}
    return {jobs[job_id]: wait for job_id, wait in machine_waits_by_job(session, jobs).items()}


def _so_far(
    job_id: int | None, steps: list[IngestStep], begun: dict[int, JobProgress], newest: JobProgress
) -> IngestProgress:
    if _jobs_to_do(steps):
        return _encoding(steps, begun, newest)
    # of the job that the recording has now: what an earlier one said of itself is over
    own = newest if job_id is None else begun.get(job_id)
    if own is not None:
        return IngestProgress.of_job(own)
    step = "assemble" if steps else "plan"
    return IngestProgress(step, 0.0, None, "", newest.attempt, newest.updated_at)


def _encoding(steps: list[IngestStep], begun: dict[int, JobProgress], newest: JobProgress) -> IngestProgress:
    total, done, paced = sum(step.frames for step in steps), 0.0, 0.0
    worked: list[tuple[datetime, datetime]] = []
    updated = newest.updated_at
    for step in steps:
        at = begun.get(step.job_id or 0)
        updated = max(updated, at.updated_at) if at is not None else updated
        part = min(at.done, step.frames) if at is not None and at.unit == "frames" else 0.0
        frames = step.frames if step.files is not None else part
        done += frames
        if step.frames and at is not None and at.began_at is not None:
            paced += frames
            worked.append((at.began_at, step.done_at or at.updated_at))
    eta = (
        _length_of(worked).total_seconds() / paced * (total - done)
        if paced and paced >= total * ENOUGH
        else None
    )
    return IngestProgress("encode", done, float(total), "frames", newest.attempt, updated, eta)


def _length_of(intervals: list[tuple[datetime, datetime]]) -> timedelta:
    """The time that lies within any of them: of two jobs at once each moment counts once, and of a queue none."""
    length, reached = timedelta(), None
    for begin, end in sorted(intervals):
        start = begin if reached is None else max(begin, reached)
        length += max(end - start, timedelta())
        reached = end if reached is None else max(end, reached)
    return length
