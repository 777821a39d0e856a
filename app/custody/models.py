"""Decisions of a force about its recordings. Each row stays: what was decided, by whom, when, and how it ended."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.accounts.models import Person
from app.core.db import Base, CreatedAt, IdPk
from app.recordings.models import Recording

ON_RECORDING = "recordings.id"
BY_PERSON = "people.id"


class SensitivityReview(Base):
    """Someone of the force confirmed: training and no real incident, tactics may be shown, people dealt with.

    `people`: `redacted` (by the redaction named) or `none_needed`. It speaks of what would leave now: once another
    redaction counts, it no longer holds. One a recording holds at a time.
    """

    __tablename__ = "sensitivity_reviews"
    __table_args__ = (
        CheckConstraint("people IN ('redacted', 'none_needed')", name="people"),
        CheckConstraint("(revoked_at IS NULL) = (revoke_reason IS NULL)", name="revoked"),
        Index(
            "uq_sensitivity_reviews_recording_id",
            "recording_id",
            unique=True,
            postgresql_where="revoked_at IS NULL",
        ),
    )

    id: Mapped[IdPk]
    recording_id: Mapped[UUID] = mapped_column(ForeignKey(ON_RECORDING))
    people: Mapped[str]
    redaction_id: Mapped[UUID | None] = mapped_column(ForeignKey("redactions.id"))
    note: Mapped[str | None]
    reviewed_by: Mapped[UUID] = mapped_column(ForeignKey(BY_PERSON))
    reviewed_at: Mapped[CreatedAt]
    revoked_by: Mapped[UUID | None] = mapped_column(ForeignKey(BY_PERSON))
    revoked_at: Mapped[datetime | None]
    revoke_reason: Mapped[str | None]
    reviewer: Mapped[Person] = relationship(foreign_keys=[reviewed_by], lazy="joined")


class LegalHold(Base):
    """While it stands nothing of the recording is erased. At most one a recording at a time."""

    __tablename__ = "legal_holds"
    __table_args__ = (
        Index(
            "uq_legal_holds_recording_id", "recording_id", unique=True, postgresql_where="lifted_at IS NULL"
        ),
    )

    id: Mapped[IdPk]
    recording_id: Mapped[UUID] = mapped_column(ForeignKey(ON_RECORDING))
    reason: Mapped[str]
    placed_by: Mapped[UUID] = mapped_column(ForeignKey(BY_PERSON))
    placed_at: Mapped[CreatedAt]
    lifted_by: Mapped[UUID | None] = mapped_column(ForeignKey(BY_PERSON))
    lifted_at: Mapped[datetime | None]
    lift_reason: Mapped[str | None]
    recording: Mapped[Recording] = relationship(lazy="joined")
    person: Mapped[Person] = relationship(foreign_keys=[placed_by], lazy="joined")


class RetentionReview(Base):
    """The recording's time was up on `due_on`: raised by a job, decided by its force. `keep_until` is when it is due
    again; null where it is erased."""

    __tablename__ = "retention_reviews"
    __table_args__ = (
        CheckConstraint("decision IN ('keep', 'extend', 'erase')", name="decision"),
        Index(
            "uq_retention_reviews_recording_id",
            "recording_id",
            unique=True,
            postgresql_where="decided_at IS NULL",
        ),
    )

    id: Mapped[IdPk]
    recording_id: Mapped[UUID] = mapped_column(ForeignKey(ON_RECORDING))
    due_on: Mapped[date]
    raised_at: Mapped[CreatedAt]
    decision: Mapped[str | None]
    keep_until: Mapped[date | None]
    reason: Mapped[str | None]
    decided_by: Mapped[UUID | None] = mapped_column(ForeignKey(BY_PERSON))
    decided_at: Mapped[datetime | None]
    recording: Mapped[Recording] = relationship(lazy="joined")


class Incident(Base):
    """Somebody said that this is perhaps no training. `state_before` is where the recording goes back to if cleared.

    `outcome`: null (open), `cleared`, `moving_out` (the force may fetch the original), `moved_out` (it has it).
    """

    __tablename__ = "incidents"
    __table_args__ = (
        CheckConstraint("outcome IN ('cleared', 'moving_out', 'moved_out')", name="outcome"),
        Index(
            "uq_incidents_recording_id",
            "recording_id",
            unique=True,
            postgresql_where="outcome IS DISTINCT FROM 'cleared'",
        ),
    )

    id: Mapped[IdPk]
    recording_id: Mapped[UUID] = mapped_column(ForeignKey(ON_RECORDING))
    state_before: Mapped[str]
    reported_as: Mapped[str]  # "officer" of its force, or "labelling" by the operator's people
    reason: Mapped[str]
    reported_by: Mapped[UUID] = mapped_column(ForeignKey(BY_PERSON))
    reported_at: Mapped[CreatedAt]
    outcome: Mapped[str | None]
    outcome_reason: Mapped[str | None]
    decided_by: Mapped[UUID | None] = mapped_column(ForeignKey(BY_PERSON))
    decided_at: Mapped[datetime | None]
    recording: Mapped[Recording] = relationship(lazy="joined")


class Erasure(Base):
    """requested → confirmed → erasing → done, or cancelled before a job began it.

    `destroyed` is what was there when it began (counts, key id, digests), so that a run after a crash knows it too.
    """

    __tablename__ = "erasures"
    __table_args__ = (
        CheckConstraint("ground IN ('withdrawn', 'retention', 'incident', 'moved_out')", name="ground"),
        CheckConstraint("state IN ('requested', 'confirmed', 'erasing', 'done', 'cancelled')", name="state"),
        Index(
            "uq_erasures_recording_id", "recording_id", unique=True, postgresql_where="state <> 'cancelled'"
        ),
    )

    id: Mapped[IdPk]
    recording_id: Mapped[UUID] = mapped_column(ForeignKey(ON_RECORDING))
    ground: Mapped[str]
    state: Mapped[str] = mapped_column(default="requested")
    reason: Mapped[str]
    requested_by: Mapped[UUID] = mapped_column(ForeignKey(BY_PERSON))
    requested_at: Mapped[CreatedAt]
    confirmed_by: Mapped[UUID | None] = mapped_column(ForeignKey(BY_PERSON))
    confirmed_at: Mapped[datetime | None]
    cancelled_by: Mapped[UUID | None] = mapped_column(ForeignKey(BY_PERSON))
    cancelled_at: Mapped[datetime | None]
    cancel_reason: Mapped[str | None]
    job_id: Mapped[int | None] = mapped_column(BigInteger)
    destroyed: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    done_at: Mapped[datetime | None]
    recording: Mapped[Recording] = relationship(lazy="joined")
    requester: Mapped[Person] = relationship(foreign_keys=[requested_by], lazy="joined")
