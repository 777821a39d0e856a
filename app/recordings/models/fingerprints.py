"""The fingerprints that tell the same footage again."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    TypeDecorator,
)
from sqlalchemy.dialects.postgresql import ARRAY, BIT, JSONB, BitString
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.db import Base, CreatedAt
from app.recordings.models.recording import Recording


class Hash256(TypeDecorator[bytes]):
    """32 bytes as bit(256), whose bits PostgreSQL compares and counts."""

    impl = BIT(256)
    cache_ok = True

    @property
    def python_type(self) -> type[bytes]:
        return bytes

    def process_bind_param(self, value: bytes | None, dialect: Dialect) -> BitString | None:  # noqa: ARG002
        return None if value is None else BitString.from_bytes(value)

    def process_result_value(self, value: BitString | None, dialect: Dialect) -> bytes | None:  # noqa: ARG002
        return None if value is None else value.to_bytes()


class Fingerprint(Base):
    """That a recording was hashed, and whether it has been compared with all others yet.

    `frames` counts the hashes stored, `comparable` those that count (see `ingest.vpdq_match`).
    """

    __tablename__ = "fingerprints"

    recording_id: Mapped[UUID] = mapped_column(ForeignKey("recordings.id"), primary_key=True)
    md5: Mapped[bytes] = mapped_column(index=True)
    frames: Mapped[int]
    comparable: Mapped[int]
    created_at: Mapped[CreatedAt]
    compared_at: Mapped[datetime | None]


class FrameHash(Base):
    """The PDQ hash of one frame. `bands` are what the index finds it by; NULL for what does not count."""

    __tablename__ = "frame_hashes"
    __table_args__ = (
        CheckConstraint("quality BETWEEN 0 AND 100", name="quality"),
        Index(
            "ix_frame_hashes_bands", "bands", postgresql_using="gin", postgresql_with={"fastupdate": "off"}
        ),
    )

    recording_id: Mapped[UUID] = mapped_column(ForeignKey("recordings.id"), primary_key=True)
    ordinal: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    pts: Mapped[int] = mapped_column(BigInteger)
    hash: Mapped[bytes] = mapped_column(Hash256)
    quality: Mapped[int] = mapped_column(SmallInteger)
    bands: Mapped[list[int] | None] = mapped_column(ARRAY(Integer))


class Duplicate(Base):
    """Two recordings that hold the same footage; `first_id` is the smaller id, so that a pair is one row.

    `exact`: the very same bytes. `near`: frames alike; each share is that of one recording's frames found in the other,
    the stretches are [[start_frame, end_frame], …] of where.
    """

    __tablename__ = "duplicates"
    __table_args__ = (
        CheckConstraint("kind IN ('exact', 'near')", name="kind"),
        CheckConstraint("first_id <= second_id", name="order"),
        CheckConstraint("first_share BETWEEN 0 AND 1 AND second_share BETWEEN 0 AND 1", name="shares"),
    )

    first_id: Mapped[UUID] = mapped_column(ForeignKey("recordings.id"), primary_key=True)
    second_id: Mapped[UUID] = mapped_column(ForeignKey("recordings.id"), primary_key=True, index=True)
    kind: Mapped[str]
    first_share: Mapped[float]
    second_share: Mapped[float]
    first_stretches: Mapped[list[list[int]]] = mapped_column(JSONB)
    second_stretches: Mapped[list[list[int]]] = mapped_column(JSONB)
    found_at: Mapped[CreatedAt]
    first: Mapped[Recording] = relationship(foreign_keys=first_id)
    second: Mapped[Recording] = relationship(foreign_keys=second_id)
