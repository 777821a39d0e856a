"""Releases, their shards and signatures, a collection's TUF repository, and the grants that open it."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.accounts.models import Person
from app.core.db import Base, CreatedAt, IdPk
from app.datasets.models import Dataset, DatasetVersion
from app.partners.models import Agreement


class TufRepository(Base):
    """One collection's repository. `repo_id` is in the root as `x-repo-id`; it exists once the ceremony is held."""

    __tablename__ = "tuf_repositories"

    id: Mapped[IdPk]
    dataset_id: Mapped[UUID] = mapped_column(ForeignKey("datasets.id"), unique=True)
    repo_id: Mapped[str] = mapped_column(unique=True)
    root_fingerprint: Mapped[str | None]
    created_at: Mapped[CreatedAt]
    dataset: Mapped[Dataset] = relationship(lazy="joined")


class TufMetadata(Base):
    """One metadata file as published, by its name in the repository ("3.targets.json", "timestamp.json")."""

    __tablename__ = "tuf_metadata"

    repository_id: Mapped[UUID] = mapped_column(ForeignKey("tuf_repositories.id"), primary_key=True)
    filename: Mapped[str] = mapped_column(primary_key=True)
    content: Mapped[bytes]
    created_at: Mapped[CreatedAt]


class TufTarget(Base):
    """One target file of the collection: where its (encrypted) bytes are, and what they must be.

    `release_id` is the release that brought it; later ones share a shard that did not change.
    """

    __tablename__ = "tuf_targets"
    __table_args__ = (UniqueConstraint("repository_id", "path", "sha256"),)

    id: Mapped[IdPk]
    repository_id: Mapped[UUID] = mapped_column(ForeignKey("tuf_repositories.id"))
    release_id: Mapped[UUID] = mapped_column(ForeignKey("releases.id"), index=True)
    path: Mapped[str]
    sha256: Mapped[bytes]
    size: Mapped[int] = mapped_column(BigInteger)
    blob_key: Mapped[str]
    data_key_id: Mapped[UUID] = mapped_column(ForeignKey("data_keys.id"))
    published: Mapped[bool] = mapped_column(default=False)  # the release published now holds it
    created_at: Mapped[CreatedAt]


class Release(Base):
    """building → built → awaiting_sign_off → signed → published → superseded | recalled; or failed: why."""

    __tablename__ = "releases"
    __table_args__ = (
        UniqueConstraint("dataset_id", "number"),
        CheckConstraint(
            "state IN ('building', 'failed', 'built', 'awaiting_sign_off', 'signed', 'published', 'superseded',"
            " 'recalled')",
            name="state",
        ),
    )

    id: Mapped[IdPk]
    dataset_id: Mapped[UUID] = mapped_column(ForeignKey("datasets.id"))
    dataset_version_id: Mapped[UUID] = mapped_column(ForeignKey("dataset_versions.id"))
    number: Mapped[int]
    state: Mapped[str] = mapped_column(default="building")
    reason: Mapped[str | None]
    composed_by: Mapped[UUID] = mapped_column(ForeignKey("people.id"))
    notes: Mapped[str] = mapped_column(default="")
    manifest_sha256: Mapped[bytes | None]
    targets_version: Mapped[int | None]
    targets_payload: Mapped[bytes | None]  # the unsigned targets role that approvers sign
    shard_count: Mapped[int | None]
    clip_count: Mapped[int | None]
    total_bytes: Mapped[int | None] = mapped_column(BigInteger)
    job_id: Mapped[int | None] = mapped_column(BigInteger)
    created_at: Mapped[CreatedAt]
    published_at: Mapped[datetime | None]
    dataset: Mapped[Dataset] = relationship(lazy="joined")
    dataset_version: Mapped[DatasetVersion] = relationship(lazy="joined")
    signatures: Mapped[list[ReleaseSignature]] = relationship(
        back_populates="release",
        order_by="ReleaseSignature.id",
        lazy="selectin",
        cascade="all, delete-orphan",
    )


class ReleaseSignature(Base):
    """One approver's signature over the release's targets role; a person counts once, a key counts once."""

    __tablename__ = "release_signatures"
    __table_args__ = (UniqueConstraint("release_id", "person_id"), UniqueConstraint("release_id", "keyid"))

    id: Mapped[IdPk]
    release_id: Mapped[UUID] = mapped_column(ForeignKey("releases.id"))
    person_id: Mapped[UUID] = mapped_column(ForeignKey("people.id"))
    keyid: Mapped[str]
    signature: Mapped[bytes]
    created_at: Mapped[CreatedAt]
    release: Mapped[Release] = relationship(back_populates="signatures")
    person: Mapped[Person] = relationship(lazy="joined")


class Grant(Base):
    """requested → approved (two people) → active → expired | revoked: a collection opened to a partner."""

    __tablename__ = "grants"
    __table_args__ = (
        CheckConstraint("state IN ('requested', 'approved', 'active', 'expired', 'revoked')", name="state"),
    )

    id: Mapped[IdPk]
    agreement_id: Mapped[UUID] = mapped_column(ForeignKey("agreements.id"), index=True)
    dataset_id: Mapped[UUID] = mapped_column(ForeignKey("datasets.id"), index=True)
    purpose: Mapped[str]
    expires_on: Mapped[date]
    state: Mapped[str] = mapped_column(default="requested")
    requested_by: Mapped[UUID] = mapped_column(ForeignKey("people.id"))
    created_at: Mapped[CreatedAt]
    revoked_at: Mapped[datetime | None]
    agreement: Mapped[Agreement] = relationship(lazy="joined")
    dataset: Mapped[Dataset] = relationship(lazy="joined")
    approvals: Mapped[list[GrantApproval]] = relationship(
        back_populates="grant", order_by="GrantApproval.id", lazy="selectin"
    )


class GrantApproval(Base):
    """One approver's yes; a person counts once, and never the one who asked."""

    __tablename__ = "grant_approvals"
    __table_args__ = (UniqueConstraint("grant_id", "person_id"),)

    id: Mapped[IdPk]
    grant_id: Mapped[UUID] = mapped_column(ForeignKey("grants.id"))
    person_id: Mapped[UUID] = mapped_column(ForeignKey("people.id"))
    created_at: Mapped[CreatedAt]
    grant: Mapped[Grant] = relationship(back_populates="approvals")
    person: Mapped[Person] = relationship(lazy="joined")


class Download(Base):
    """A target (or a range of it, as asked for) handed to a partner's machine client or signed-in engineer."""

    __tablename__ = "downloads"

    id: Mapped[IdPk]
    grant_id: Mapped[UUID] = mapped_column(ForeignKey("grants.id"), index=True)
    target_id: Mapped[UUID] = mapped_column(ForeignKey("tuf_targets.id"), index=True)
    actor_kind: Mapped[str]
    actor_id: Mapped[UUID]
    byte_range: Mapped[str]
    created_at: Mapped[CreatedAt]
