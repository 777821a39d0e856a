"""A training exercise of one force."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.accounts.models import Organisation
from app.core.db import Base, CreatedAt, IdPk


class Exercise(Base):
    """open → closed. No exercise's footage is ever in two splits."""

    __tablename__ = "exercises"
    __table_args__ = (CheckConstraint("state IN ('open', 'closed')", name="state"),)

    id: Mapped[IdPk]
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"), index=True)
    title: Mapped[str]
    held_on: Mapped[date]
    venue: Mapped[str]
    scenario: Mapped[str]
    weapons: Mapped[list[str]] = mapped_column(ARRAY(Text))
    lighting: Mapped[str]
    lawful_basis: Mapped[str | None]  # needed before release, not before upload
    consent_record: Mapped[str | None]
    retention_category: Mapped[str]
    state: Mapped[str] = mapped_column(default="open")
    version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[CreatedAt]
    closed_at: Mapped[datetime | None]
    organisation: Mapped[Organisation] = relationship(lazy="joined")

    __mapper_args__ = {"version_id_col": version}
