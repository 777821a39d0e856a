"""The table of data keys: clearing `wrapped` is what erases a recording, wherever copies of its bytes lie."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base, CreatedAt, IdPk


class DataKey(Base):
    """One AES-256 data key, wrapped by a master key, for one subject (a recording, a release …)."""

    __tablename__ = "data_keys"
    __table_args__ = (
        CheckConstraint("(wrapped IS NULL) = (destroyed_at IS NOT NULL)", name="wrapped_until_destroyed"),
        Index(None, "subject_kind", "subject_id"),
    )

    id: Mapped[IdPk]
    wrapped: Mapped[bytes | None]
    master_key_id: Mapped[str]
    subject_kind: Mapped[str]
    subject_id: Mapped[UUID]
    created_at: Mapped[CreatedAt]
    destroyed_at: Mapped[datetime | None] = mapped_column(default=None)
