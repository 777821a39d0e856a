"""What is kept of a recording while it is worked on or looked at, and goes again."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    ForeignKey,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base, CreatedAt, IdPk, Json


class IngestStep(Base):
    """One step of a recording's ingest (`ingest.steps`): which job does it, and once done, where its files are kept.

    `key` is the digest of all that decides the step's output; `files` is null until it is done. The rows go when the
    recording is ready or rejected, and their objects with them.
    """

    __tablename__ = "ingest_steps"
    __table_args__ = (UniqueConstraint("recording_id", "name"),)

    id: Mapped[IdPk]
    recording_id: Mapped[UUID] = mapped_column(ForeignKey("recordings.id"))
    name: Mapped[str]
    key: Mapped[str]
    frames: Mapped[int] = mapped_column(default=0)
    job_id: Mapped[int | None] = mapped_column(BigInteger)
    files: Mapped[Json | None]
    created_at: Mapped[CreatedAt]
    done_at: Mapped[datetime | None]


class RecordingView(Base):
    """That somebody looked at something of a recording within one window of time: a player asks for hundreds of
    ranges, and the log gets one entry."""

    __tablename__ = "recording_views"
    __table_args__ = (UniqueConstraint("actor_id", "recording_id", "what", "window_start"),)

    id: Mapped[IdPk]
    actor_id: Mapped[UUID]
    recording_id: Mapped[UUID] = mapped_column(ForeignKey("recordings.id"))
    what: Mapped[str]
    window_start: Mapped[datetime] = mapped_column(index=True)
