"""What somebody asked to have made of recordings, and which recording is a part of which."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base, CreatedAt, IdPk, Json


class Derivation(Base):
    """open → done | failed: why. One of a kind is open for a recording at a time.

    `join`: the recordings of `parameters` as one, which gets this row's id; `recording_id` is the first of them.
    `clips`: another set of clips. `cfr`: a copy at a constant frame rate, with its map.
    """

    __tablename__ = "derivations"
    __table_args__ = (
        CheckConstraint("kind IN ('join', 'clips', 'cfr')", name="kind"),
        CheckConstraint("state IN ('open', 'done', 'failed')", name="state"),
        Index(
            "uq_derivations_recording_id_kind",
            "recording_id",
            "kind",
            unique=True,
            postgresql_where="state = 'open'",
        ),
    )

    id: Mapped[IdPk]
    recording_id: Mapped[UUID] = mapped_column(ForeignKey("recordings.id"))
    exercise_id: Mapped[UUID] = mapped_column(ForeignKey("exercises.id"), index=True)
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"))
    kind: Mapped[str]
    parameters: Mapped[Json]
    state: Mapped[str] = mapped_column(default="open")
    reason_code: Mapped[str | None]
    reason: Mapped[str | None]
    result: Mapped[Json | None]
    job_id: Mapped[int | None] = mapped_column(BigInteger)
    created_at: Mapped[CreatedAt]
    ended_at: Mapped[datetime | None]


class RecordingPart(Base):
    """A recording whose pictures are the frames [start_frame, end_frame) of a joined one; kept for good."""

    __tablename__ = "recording_parts"
    __table_args__ = (
        UniqueConstraint("joined_id", "ordinal"),
        CheckConstraint("start_frame >= 0 AND end_frame > start_frame", name="interval"),
    )

    joined_id: Mapped[UUID] = mapped_column(ForeignKey("recordings.id"), primary_key=True)
    part_id: Mapped[UUID] = mapped_column(ForeignKey("recordings.id"), primary_key=True, index=True)
    ordinal: Mapped[int]
    start_frame: Mapped[int]
    end_frame: Mapped[int]
