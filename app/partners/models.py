"""Agreements: the data-sharing agreement that admits a partner."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.accounts.models import Organisation, Person
from app.core.db import Base, CreatedAt, IdPk


class Agreement(Base):
    """proposed → active (two approvers, neither the proposer) → ended. Grants live inside it."""

    __tablename__ = "agreements"
    __table_args__ = (
        CheckConstraint("state IN ('proposed', 'active', 'ended')", name="state"),
        CheckConstraint("ends_on > starts_on", name="term"),
    )

    id: Mapped[IdPk]
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"), index=True)
    reference: Mapped[str] = mapped_column(unique=True)
    purposes: Mapped[list[str]] = mapped_column(ARRAY(Text))
    country: Mapped[str]  # ISO 3166-1 alpha-2
    transfer_ground: Mapped[str]
    contact_email: Mapped[str]
    starts_on: Mapped[date]
    ends_on: Mapped[date]
    state: Mapped[str] = mapped_column(default="proposed")
    proposed_by: Mapped[UUID] = mapped_column(ForeignKey("people.id"))
    created_at: Mapped[CreatedAt]
    ended_at: Mapped[datetime | None]
    organisation: Mapped[Organisation] = relationship(lazy="joined")
    approvals: Mapped[list[AgreementApproval]] = relationship(
        back_populates="agreement", order_by="AgreementApproval.id", lazy="selectin"
    )


class AgreementApproval(Base):
    """One approver's yes; a person counts once."""

    __tablename__ = "agreement_approvals"
    __table_args__ = (UniqueConstraint("agreement_id", "person_id"),)

    id: Mapped[IdPk]
    agreement_id: Mapped[UUID] = mapped_column(ForeignKey("agreements.id"))
    person_id: Mapped[UUID] = mapped_column(ForeignKey("people.id"))
    created_at: Mapped[CreatedAt]
    agreement: Mapped[Agreement] = relationship(back_populates="approvals")
    person: Mapped[Person] = relationship(lazy="joined")
