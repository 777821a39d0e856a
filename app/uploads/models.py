"""An upload: a tus resource, until it is received whole and becomes a recording; and who writes to it just now."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.db import Base, CreatedAt, IdPk, Json
from app.exercises.models import Exercise


class Upload(Base):
    """created → receiving → received → (rejected: why) | recorded; a part of a file ends as joined.

    `kind` is `whole`, `partial` (a part: never a recording, never listed) or `final` (parts joined into one file).
    `length` is unknown while the client has deferred it.
    """

    __tablename__ = "uploads"
    __table_args__ = (
        CheckConstraint(
            "state IN ('created', 'receiving', 'received', 'rejected', 'recorded', 'joined')", name="state"
        ),
        CheckConstraint("kind IN ('whole', 'partial', 'final')", name="kind"),
        CheckConstraint('"offset" >= 0 AND "offset" <= length', name="offset"),
        CheckConstraint("length IS NOT NULL OR state IN ('created', 'receiving', 'rejected')", name="length"),
    )

    id: Mapped[IdPk]
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"), index=True)
    exercise_id: Mapped[UUID] = mapped_column(ForeignKey("exercises.id"), index=True)
    created_by_kind: Mapped[str]
    created_by: Mapped[UUID]
    filename: Mapped[str]
    details: Mapped[Json]  # what the client said: media type, camera, start time, parts
    kind: Mapped[str] = mapped_column(default="whole")
    length: Mapped[int | None] = mapped_column(BigInteger)
    offset: Mapped[int] = mapped_column(BigInteger, default=0)
    joined_into: Mapped[UUID | None] = mapped_column(ForeignKey("uploads.id"), index=True)
    place: Mapped[int | None]  # of a part in what it was joined into, from 0
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


class UploadWriter(Base):
    """The request that writes to an upload: a lease, which machines see that do not see each other's file locks."""

    __tablename__ = "upload_writers"

    upload_id: Mapped[UUID] = mapped_column(ForeignKey("uploads.id", ondelete="CASCADE"), primary_key=True)
    writer: Mapped[UUID]  # another one for each request
    machine: Mapped[str]
    seen_at: Mapped[datetime]  # by the database's clock
    release_wanted: Mapped[bool] = mapped_column(default=False)
