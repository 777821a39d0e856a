"""An upload: a tus resource or parts in the store, until it is received whole and becomes a recording; and who writes
to it just now."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint
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
        CheckConstraint("via IN ('tus', 'direct')", name="via"),
        CheckConstraint("(via = 'direct') = (part_size IS NOT NULL)", name="part_size"),
        Index(None, "exercise_id", "id"),
        Index(
            "ix_uploads_unfinished",
            "organisation_id",
            postgresql_where="state IN ('created', 'receiving', 'received')",
        ),
        CheckConstraint("length IS NOT NULL OR state IN ('created', 'receiving', 'rejected')", name="length"),
    )

    id: Mapped[IdPk]
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"), index=True)
    exercise_id: Mapped[UUID] = mapped_column(ForeignKey("exercises.id"))
    created_by_kind: Mapped[str]
    created_by: Mapped[UUID]
    filename: Mapped[str]
    details: Mapped[
        Json
    ]  # what the client said: media type, parts, its tus header, the members of DetailsSchema
    kind: Mapped[str] = mapped_column(default="whole")
    length: Mapped[int | None] = mapped_column(BigInteger)
    offset: Mapped[int] = mapped_column(BigInteger, default=0)
    joined_into: Mapped[UUID | None] = mapped_column(ForeignKey("uploads.id"), index=True)
    place: Mapped[int | None]  # of a part in what it was joined into, from 0
    via: Mapped[str] = mapped_column(default="tus", server_default="tus")
    part_size: Mapped[int | None] = mapped_column(BigInteger)  # of what goes straight to the store, in bytes
    multipart_id: Mapped[str | None]
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
    def size(self) -> int:
        """The length in bytes of an upload that is known to have one. Raises ValueError."""
        if self.length is None:
            raise ValueError("the length was not said yet")
        return self.length

    @property
    def part_count(self) -> int:
        """How many parts the file has that goes straight to the store; 0 for another."""
        return -(-self.size // self.part_size) if self.part_size else 0

    def part_length(self, number: int) -> int:
        """Bytes of part `number`, which counts from 1: all but the last are equal."""
        most = self.part_size or 0
        return min(most, self.size - (number - 1) * most)

    @property
    def incoming_key(self) -> str:
        """The key of the plain object in the store, while it waits there."""
        return f"incoming/{self.id}"

    @property
    def recording_id(self) -> UUID | None:
        """The recording this became, which carries the upload's id, or the earlier one that this repeats."""
        if self.state == "recorded":
            return self.id
        repeated = self.details.get("duplicate_of")
        return UUID(repeated) if repeated else None


class UploadBlock(Base):
    """SHA-256 of one whole block of 64 MiB, taken while it was received; of one part, declared before it is sent."""

    __tablename__ = "upload_blocks"
    __table_args__ = (UniqueConstraint("upload_id", "ordinal"),)

    id: Mapped[IdPk]
    upload_id: Mapped[UUID] = mapped_column(ForeignKey("uploads.id", ondelete="CASCADE"))
    ordinal: Mapped[int]
    sha256: Mapped[bytes]


class KeptBytes(Base):
    """Bytes of an organisation's finished uploads that were not erased: a sum that is kept, for it is asked for at
    every creation."""

    __tablename__ = "kept_bytes"
    __table_args__ = (CheckConstraint("bytes >= 0", name="bytes"),)

    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"), primary_key=True)
    bytes: Mapped[int] = mapped_column(BigInteger)


class UploadWriter(Base):
    """The request that writes to an upload: a lease, which machines see that do not see each other's file locks."""

    __tablename__ = "upload_writers"

    upload_id: Mapped[UUID] = mapped_column(ForeignKey("uploads.id", ondelete="CASCADE"), primary_key=True)
    writer: Mapped[UUID]  # another one for each request
    machine: Mapped[str]
    seen_at: Mapped[datetime]  # by the database's clock
    release_wanted: Mapped[bool] = mapped_column(default=False)
