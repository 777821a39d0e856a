"""Datasets, their versions, and what a frozen version holds."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.annotation.models import Taxonomy
from app.core.db import Base, CreatedAt, IdPk, Json
from app.recordings.models import Clip


class Dataset(Base):
    """What partners know as a collection: `slug` names its TUF repository. `salt` fixes its splits for good."""

    __tablename__ = "datasets"

    id: Mapped[IdPk]
    slug: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    description: Mapped[str]
    salt: Mapped[bytes]
    taxonomy_id: Mapped[UUID] = mapped_column(ForeignKey("taxonomies.id"))
    created_by: Mapped[UUID] = mapped_column(ForeignKey("people.id"))
    created_at: Mapped[CreatedAt]
    taxonomy: Mapped[Taxonomy] = relationship(lazy="joined")


class DatasetVersion(Base):
    """draft → frozen. A database trigger refuses every change to a frozen one."""

    __tablename__ = "dataset_versions"
    __table_args__ = (
        UniqueConstraint("dataset_id", "number"),
        CheckConstraint("state IN ('draft', 'frozen')", name="state"),
    )

    id: Mapped[IdPk]
    dataset_id: Mapped[UUID] = mapped_column(ForeignKey("datasets.id"))
    number: Mapped[int]
    state: Mapped[str] = mapped_column(default="draft")
    splits: Mapped[Json]  # {"train": 0.8, "validation": 0.1, "test": 0.1}
    composed_by: Mapped[UUID] = mapped_column(ForeignKey("people.id"))
    version: Mapped[int] = mapped_column(default=1)
    digest: Mapped[bytes | None]
    frozen_at: Mapped[datetime | None]
    created_at: Mapped[CreatedAt]
    dataset: Mapped[Dataset] = relationship(lazy="joined")
    items: Mapped[list[DatasetItem]] = relationship(
        back_populates="dataset_version", order_by="DatasetItem.clip_id"
    )


class DatasetItem(Base):
    """One clip of a version. The freeze fills `split`, `labels` (the accepted ones, as they were) and `footage`: which
    variant of the clip leaves, {"variant": "original" | "redacted", "redaction": id or null, "sha256": hex}.

    `split_by` is the exercise whose place this one took: itself, or one that shares footage with it.
    """

    __tablename__ = "dataset_items"

    dataset_version_id: Mapped[UUID] = mapped_column(ForeignKey("dataset_versions.id"), primary_key=True)
    clip_id: Mapped[UUID] = mapped_column(ForeignKey("clips.id"), primary_key=True)
    exercise_id: Mapped[UUID] = mapped_column(ForeignKey("exercises.id"), index=True)
    split: Mapped[str | None]
    split_by: Mapped[UUID | None] = mapped_column(ForeignKey("exercises.id"))
    labels: Mapped[Json | None]
    footage: Mapped[Json | None]
    dataset_version: Mapped[DatasetVersion] = relationship(back_populates="items")
    clip: Mapped[Clip] = relationship(lazy="joined")
