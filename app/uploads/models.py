"""An upload: a tus resource, until it is received whole and becomes a recording."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.db import Base, CreatedAt, IdPk, Json
from app.exercises.models import Exercise


class Upload(Base):
    """created → receiving → received → (rejected: why) | recorded."""

    __tablename__ = "uploads"
    __table_args__ = (
        CheckConstraint(
            "state IN ('created', 'receiving', 'received', 'rejected', 'recorded')", name="state"
        ),
        CheckConstraint('"offset" >= 0 AND "offset" <= length', name="offset"),
        Index(None, "exercise_id", "id"),
    )

    id: Mapped[IdPk]
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"), index=True)
    exercise_id: Mapped[UUID] = mapped_column(ForeignKey("exercises.id"))
    created_by_kind: Mapped[str]
    created_by: Mapped[UUID]
    filename: Mapped[str]
    details: Mapped[Json]  # what the client said: media type, and the members of DetailsSchema
    length: Mapped[int] = mapped_column(BigInteger)
    offset: Mapped[int] = mapped_column(BigInteger, default=0)
    declared_sha256: Mapped[bytes | None]
    sha256: Mapped[bytes | None]
    state: Mapped[str] = mapped_column(default="created")
    reason_code: Mapped[str | None]
    reason: Mapped[str | None]
    expires_at: Mapped[datetime]
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[CreatedAt]
    completed_at: Mapped[datetime | None]
    exercise: Mapped[Exercise] = relationship(lazy="joined")

    @property
    def recording_id(self) -> UUID | None:
        """The recording this became, which carries the upload's id, or the earlier one that this repeats."""
        if self.state == "recorded":
            return self.id
        repeated = self.details.get("duplicate_of")
        return UUID(repeated) if repeated else None


class UploadBlock(Base):
    """SHA-256 of one whole block of 64 MiB, taken while it was received."""

    __tablename__ = "upload_blocks"
    __table_args__ = (UniqueConstraint("upload_id", "ordinal"),)

    id: Mapped[IdPk]
    upload_id: Mapped[UUID] = mapped_column(ForeignKey("uploads.id", ondelete="CASCADE"))
    ordinal: Mapped[int]
    sha256: Mapped[bytes]
