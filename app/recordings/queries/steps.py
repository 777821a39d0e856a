"""How are found the steps of ingests, and how far their jobs are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.jobs import JobProgress
from app.recordings.models import IngestStep


def ingest_step(session: Session, recording_id: UUID, name: str) -> IngestStep | None:
    """One step of a recording's ingest."""
    query = select(IngestStep).where(IngestStep.recording_id == recording_id, IngestStep.name == name)
    return session.scalars(query.execution_options(populate_existing=True)).first()


def ingest_steps(session: Session, recording_id: UUID) -> list[IngestStep]:
    """Every step of a recording's ingest, by name."""
    return steps_of_many(session, [recording_id]).get(recording_id, [])


def steps_of_many(session: Session, recording_ids: Collection[UUID]) -> dict[UUID, list[IngestStep]]:
    """Every step of the ingest of each recording that has any, by name."""
    found = defaultdict(list)
    query = select(IngestStep).where(IngestStep.recording_id.in_(recording_ids)).order_by(IngestStep.name)
    for step in session.scalars(query.execution_options(populate_existing=True)):
        found[step.recording_id].append(step)
    return dict(found)


def progress_by_job(session: Session, job_ids: Collection[int]) -> dict[int, JobProgress]:
    """The progress rows of these jobs, as far as they began."""
    query = select(JobProgress).where(JobProgress.job_id.in_(job_ids))
    return {row.job_id: row for row in session.scalars(query)}
