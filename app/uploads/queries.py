"""How uploads are found and counted."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from app.accounts.models import Organisation
from app.uploads.models import Upload, UploadBlock

OPEN_STATES = ("created", "receiving")


def uploads_of(
    organisation_id: UUID | None, *, exercise_id: UUID | None = None, state: str | None = None
) -> Select[Upload]:
    """Uploads of one force, or of all when `organisation_id` is None."""
    query = select(Upload)
    if organisation_id is not None:
        query = query.where(Upload.organisation_id == organisation_id)
    if exercise_id is not None:
        query = query.where(Upload.exercise_id == exercise_id)
    return query if state is None else query.where(Upload.state == state)


def lock_quota(session: Session, organisation_id: UUID) -> None:
    """Makes uploads of one organisation be created one after another, so that two cannot share the last bytes."""
    query = select(Organisation.id).where(Organisation.id == organisation_id)
    session.execute(query.with_for_update(key_share=True))


def bytes_held(session: Session, organisation_id: UUID) -> int:
    """Bytes that count against the quota: what unfinished uploads were promised, and what was kept."""
    held = select(func.coalesce(func.sum(Upload.length), 0)).where(
        Upload.organisation_id == organisation_id, Upload.state != "rejected"
    )
    return int(session.scalar(held) or 0)


def expired(session: Session, at: datetime, limit: int = 500) -> list[UUID]:
    """Unfinished uploads whose time is over."""
    query = select(Upload.id).where(Upload.state.in_(OPEN_STATES), Upload.expires_at <= at)
    return list(session.scalars(query.order_by(Upload.expires_at).limit(limit)))


def still_needed(session: Session, ids: Iterable[UUID]) -> set[UUID]:
    """Those of `ids` whose staged bytes are still to become a recording."""
    query = select(Upload.id).where(Upload.id.in_(list(ids)), Upload.state.in_((*OPEN_STATES, "received")))
    return set(session.scalars(query))


def block_digests(session: Session, upload_id: UUID) -> dict[int, bytes]:
    """SHA-256 of each block, by its ordinal."""
    query = select(UploadBlock.ordinal, UploadBlock.sha256).where(UploadBlock.upload_id == upload_id)
    return {row.ordinal: row.sha256 for row in session.execute(query)}
