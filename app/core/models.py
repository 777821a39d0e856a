"""The house's own table: which writes were done under which Idempotency-Key, and what was answered."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.core.clock import now
from app.core.db import Base


class IdempotencyKey(Base):
    """One write of one actor. It commits with the write's effect; the answer follows, all three columns or none.

    `fingerprint` is the SHA-256 of what was asked. `body` is sealed: answers may hold what is shown only once.
    """

    __tablename__ = "idempotency_keys"
    __table_args__ = (
        CheckConstraint("length(key) BETWEEN 1 AND 128", name="key"),
        CheckConstraint("num_nulls(status, headers, body) IN (0, 3)", name="answer"),
        Index(None, "created_at"),
    )

    actor_id: Mapped[UUID] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    fingerprint: Mapped[bytes]
    status: Mapped[int | None]
    headers: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    body: Mapped[bytes | None]
    created_at: Mapped[datetime] = mapped_column(default=now)
