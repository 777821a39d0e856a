"""What the dataset feature reads."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.core.pagination import Page, decode_cursor, encode_cursor, paginate
from app.datasets.models import Dataset, DatasetItem, DatasetVersion
from app.datasets.splits import Place
from app.exercises.models import Exercise
from app.recordings.models import Clip, Fingerprint, Recording


def page_of_datasets(session: Session, *, cursor: str | None, limit: int) -> Page[Dataset]:
    return paginate(session, select(Dataset), Dataset.id, cursor=cursor, limit=limit)


def dataset_by_slug(session: Session, slug: str) -> Dataset | None:
    return session.scalar(select(Dataset).where(Dataset.slug == slug))


def page_of_versions(
    session: Session, dataset_id: UUID, *, cursor: str | None, limit: int
) -> Page[DatasetVersion]:
    query = select(DatasetVersion).where(DatasetVersion.dataset_id == dataset_id)
    return paginate(session, query, DatasetVersion.id, cursor=cursor, limit=limit)


def next_number(session: Session, dataset_id: UUID) -> int:
    """The number of the dataset's next version, from 1; the caller holds the dataset's row lock."""
    query = select(func.max(DatasetVersion.number)).where(DatasetVersion.dataset_id == dataset_id)
    return (session.scalar(query) or 0) + 1


def fixed_proportions(session: Session, dataset_id: UUID) -> dict[str, Any] | None:
    """The proportions of the dataset's first frozen version; None while nothing is frozen."""
    frozen = select(DatasetVersion.splits).where(
        DatasetVersion.dataset_id == dataset_id, DatasetVersion.state == "frozen"
    )
    return session.scalar(frozen.order_by(DatasetVersion.number).limit(1))


def fixed_places(session: Session, dataset_id: UUID) -> dict[UUID, Place]:
    """Where the dataset's frozen versions put each exercise that they hold."""
    rows = session.execute(
        select(DatasetItem.exercise_id, DatasetItem.split, DatasetItem.split_by)
        .join(DatasetVersion, DatasetVersion.id == DatasetItem.dataset_version_id)
        .where(DatasetVersion.dataset_id == dataset_id, DatasetVersion.state == "frozen")
        .distinct()
    )
    return {exercise: Place(split, by or exercise) for exercise, split, by in rows if split is not None}


def uncompared(session: Session, clip_ids: Collection[UUID]) -> list[str]:
    """The names of the clips' recordings whose fingerprints have not been compared with all others yet."""
    query = (
        select(Recording.filename)
        .join(Fingerprint, Fingerprint.recording_id == Recording.id)
        .join(Clip, Clip.recording_id == Recording.id)
        .where(Clip.id.in_(clip_ids), Fingerprint.compared_at.is_(None))
    )
    return sorted(set(session.scalars(query)))


def clips_with_exercise(session: Session, clip_ids: Collection[UUID]) -> dict[UUID, tuple[Clip, Recording]]:
    """The clips that exist, each with its recording."""
    rows = session.execute(
        select(Clip, Recording)
        .join(Recording, Recording.id == Clip.recording_id)
        .where(Clip.id.in_(clip_ids))
    )
    return {clip.id: (clip, recording) for clip, recording in rows}


def exercises(session: Session, ids: Collection[UUID]) -> list[Exercise]:
    return list(session.scalars(select(Exercise).where(Exercise.id.in_(ids)).order_by(Exercise.id)))


def page_of_items(session: Session, version_id: UUID, *, cursor: str | None, limit: int) -> Page[DatasetItem]:
    """Items by clip id, ascending: the order they are packed in."""
    query = (
        select(DatasetItem).where(DatasetItem.dataset_version_id == version_id).order_by(DatasetItem.clip_id)
    )
    if cursor:
        query = query.where(DatasetItem.clip_id > decode_cursor(cursor))
    rows = list(session.scalars(query.limit(limit + 1)))
    more = len(rows) > limit
    rows = rows[:limit]
    return Page(rows, encode_cursor(rows[-1].clip_id) if more else None)


def split_counts(session: Session, version_id: UUID) -> dict[str, int]:
    """How many clips of a frozen version each split holds."""
    rows = session.execute(
        select(DatasetItem.split, func.count())
        .where(DatasetItem.dataset_version_id == version_id, DatasetItem.split.is_not(None))
        .group_by(DatasetItem.split)
    )
    return {split: count for split, count in rows if split is not None}
