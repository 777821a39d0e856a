"""Organisations, people, machine clients, their tokens and the keys people sign releases with."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.db import Base, CreatedAt, IdPk, Json


class Organisation(Base):
    """A force, a partner company or the operator."""

    __tablename__ = "organisations"
    __table_args__ = (CheckConstraint("kind IN ('force', 'partner', 'operator')", name="kind"),)

    id: Mapped[IdPk]
    kind: Mapped[str]
    name: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[CreatedAt]
    disabled_at: Mapped[datetime | None]


class Person(Base):
    """Somebody who signs in with password and TOTP. `fs_uniquifier` changes to end every session at once."""

    __tablename__ = "people"
    __table_args__ = (Index("uq_people_email_lower", text("lower(email)"), unique=True),)

    id: Mapped[IdPk]
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"), index=True)
    email: Mapped[str]
    name: Mapped[str]
    roles: Mapped[list[str]] = mapped_column(ARRAY(Text))
    fs_uniquifier: Mapped[str] = mapped_column(unique=True)
    password: Mapped[str | None]
    totp_secret: Mapped[str | None]  # sealed with the service's secret key
    activation_hash: Mapped[bytes | None]
    activation_expires_at: Mapped[datetime | None]
    active: Mapped[bool] = mapped_column(default=True)
    failed_attempts: Mapped[int] = mapped_column(default=0)
    locked_until: Mapped[datetime | None]
    last_totp_step: Mapped[int | None]  # a code is good once
    last_sign_in_at: Mapped[datetime | None]
    created_at: Mapped[CreatedAt]
    organisation: Mapped[Organisation] = relationship(lazy="joined")

    @property
    def activated(self) -> bool:
        """Whether the person has taken the account over, with password and TOTP."""
        return self.activation_hash is None


class MachineClient(Base):
    """A program that authenticates by `private_key_jwt`. With `person_id` it is that person's own command line."""

    __tablename__ = "machine_clients"

    id: Mapped[IdPk]
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"), index=True)
    person_id: Mapped[UUID | None] = mapped_column(ForeignKey("people.id"), index=True)
    client_id: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    roles: Mapped[list[str]] = mapped_column(ARRAY(Text))
    public_key_pem: Mapped[str]
    created_at: Mapped[CreatedAt]
    disabled_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
    organisation: Mapped[Organisation] = relationship(lazy="joined")
    person: Mapped[Person | None] = relationship(lazy="joined")


class AccessToken(Base):
    """An issued bearer token, known only by its SHA-256."""

    __tablename__ = "access_tokens"

    token_hash: Mapped[bytes] = mapped_column(primary_key=True)
    client_id: Mapped[UUID] = mapped_column(ForeignKey("machine_clients.id"), index=True)
    purpose: Mapped[
        str | None
    ]  # stated when the token was asked for; every audit entry of its acts carries it
    expires_at: Mapped[datetime] = mapped_column(index=True)
    created_at: Mapped[CreatedAt]
    client: Mapped[MachineClient] = relationship(lazy="joined")


class ClientAssertion(Base):
    """A `jti` already spent: an assertion works once."""

    __tablename__ = "client_assertions"

    client_id: Mapped[UUID] = mapped_column(ForeignKey("machine_clients.id"), primary_key=True)
    jti: Mapped[str] = mapped_column(primary_key=True)
    expires_at: Mapped[datetime] = mapped_column(index=True)


class SigningKey(Base):
    """An approver's public key; the private half never leaves its owner. `public` is the key as TUF writes it."""

    __tablename__ = "signing_keys"

    id: Mapped[IdPk]
    person_id: Mapped[UUID] = mapped_column(ForeignKey("people.id"), index=True)
    keyid: Mapped[str] = mapped_column(unique=True)
    public: Mapped[Json]
    created_at: Mapped[CreatedAt]
    revoked_at: Mapped[datetime | None]
    person: Mapped[Person] = relationship(lazy="joined")
