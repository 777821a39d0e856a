"""A training exercise of one force."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Computed, ForeignKey, Index, Text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.accounts.models import Organisation
from app.core.db import Base, CreatedAt, IdPk


class Exercise(Base):
    """open ⇄ closed. No exercise's footage is ever in two splits."""

    __tablename__ = "exercises"
    __table_args__ = (
        CheckConstraint("state IN ('open', 'closed')", name="state"),
        Index(None, "organisation_id", "id"),
        Index(
            None,
            "search_text",
            postgresql_using="gin",
            postgresql_ops={"search_text": "gin_trgm_ops"},
            postgresql_with={"fastupdate": "off"},
        ),
    )

    id: Mapped[IdPk]
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"))
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
    search_text: Mapped[str | None] = mapped_column(
        Computed("lower(title || ' ' || scenario)", persisted=True), deferred=True
    )
    organisation: Mapped[Organisation] = relationship(lazy="joined")

    __mapper_args__ = {"version_id_col": version}
