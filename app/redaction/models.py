"""Redactions, their regions, and the clips cut from a redacted master."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.db import Base, CreatedAt, IdPk
from app.recordings.models import Clip, Recording


class Redaction(Base):
    """proposed → in_review → approved → rendering → rendered | failed. `version` grows with every change.

    A recording may have several, numbered from 1; the newest counts. A rendered one never changes again: it is what a
    frozen version or a release may name. Without a master (`blob_key` null) a person found nothing to hide.
    From the frame `uncovered_from` on proposals were not kept, for there were too many; null where all were.
    """

    __tablename__ = "redactions"
    __table_args__ = (
        UniqueConstraint("recording_id", "number"),
        CheckConstraint(
            "state IN ('proposed', 'in_review', 'approved', 'rendering', 'rendered', 'failed')", name="state"
        ),
    )

    id: Mapped[IdPk]
    recording_id: Mapped[UUID] = mapped_column(ForeignKey("recordings.id"))
    number: Mapped[int]
    state: Mapped[str] = mapped_column(default="proposed", index=True)
    version: Mapped[int] = mapped_column(default=1)
    changed_at: Mapped[datetime | None]
    approved_by: Mapped[UUID | None] = mapped_column(ForeignKey("people.id"))
    approved_at: Mapped[datetime | None]
    job_id: Mapped[int | None] = mapped_column(BigInteger)
    reason: Mapped[str | None]
    uncovered_from: Mapped[int | None]
    rendered_at: Mapped[datetime | None]
    blob_key: Mapped[str | None]
    size: Mapped[int | None] = mapped_column(BigInteger)
    sha256: Mapped[bytes | None]
    made_by: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    created_at: Mapped[CreatedAt]
    recording: Mapped[Recording] = relationship(lazy="joined")
    regions: Mapped[list[RedactionRegion]] = relationship(
        back_populates="redaction",
        order_by="RedactionRegion.start_frame, RedactionRegion.id",
        lazy="selectin",
    )

    __mapper_args__ = {"version_id_col": version}


class RedactionRegion(Base):
    """What to hide: one row a track or interval, never a row a frame.

    Frames are ordinals of the recording, half-open; PTS are copied from the frame ledger. Keyframes as in an
    annotation's track; null for a voice. `score` is a proposal's, 0 to 1.
    """

    __tablename__ = "redaction_regions"
    __table_args__ = (
        CheckConstraint("kind IN ('face', 'screen', 'plate', 'voice', 'other')", name="kind"),
        CheckConstraint("source IN ('proposed', 'drawn')", name="source"),
        CheckConstraint("decision IN ('pending', 'accepted', 'rejected')", name="decision"),
        CheckConstraint("style IN ('blur', 'mask', 'mute', 'voice_change')", name="style"),
        CheckConstraint("start_frame >= 0 AND end_frame > start_frame", name="interval"),
    )

    id: Mapped[IdPk]
    redaction_id: Mapped[UUID] = mapped_column(ForeignKey("redactions.id"), index=True)
    kind: Mapped[str]
    source: Mapped[str]
    decision: Mapped[str] = mapped_column(default="pending")
    style: Mapped[str]
    start_frame: Mapped[int]
    end_frame: Mapped[int]
    start_pts: Mapped[int] = mapped_column(BigInteger)
    end_pts: Mapped[int] = mapped_column(BigInteger)
    keyframes: Mapped[list[dict[str, Any]] | None] = mapped_column(JSONB)
    score: Mapped[float | None]
    decided_by: Mapped[UUID | None] = mapped_column(ForeignKey("people.id"))
    created_at: Mapped[CreatedAt]
    redaction: Mapped[Redaction] = relationship(back_populates="regions")


class RedactedClip(Base):
    """A clip cut from a redacted master: the same frames at the same times as the clip of the original."""

    __tablename__ = "redacted_clips"

    clip_id: Mapped[UUID] = mapped_column(ForeignKey("clips.id"), primary_key=True)
    redaction_id: Mapped[UUID] = mapped_column(ForeignKey("redactions.id"), primary_key=True, index=True)
    blob_key: Mapped[str]
    size: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[bytes]
    created_at: Mapped[CreatedAt]
    clip: Mapped[Clip] = relationship()
