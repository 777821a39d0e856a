"""Taxonomy, tasks, assignments and annotations."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.accounts.models import Person
from app.core.db import Base, CreatedAt, IdPk, Json
from app.recordings.models import Clip


class Taxonomy(Base):
    """A versioned set of labels; never edited once a task uses it."""

    __tablename__ = "taxonomies"
    __table_args__ = (UniqueConstraint("name", "version"),)

    id: Mapped[IdPk]
    name: Mapped[str]
    version: Mapped[str]
    definition: Mapped[Json]
    created_at: Mapped[CreatedAt]


class Task(Base):
    """A clip to label, by `quota` annotators. `accepted_assignment_id` names the work that became the labels."""

    __tablename__ = "tasks"
    __table_args__ = (
        UniqueConstraint("clip_id", "taxonomy_id"),
        CheckConstraint("state IN ('open', 'labelled')", name="state"),
        CheckConstraint("quota >= 1", name="quota"),
    )

    id: Mapped[IdPk]
    clip_id: Mapped[UUID] = mapped_column(ForeignKey("clips.id"))
    taxonomy_id: Mapped[UUID] = mapped_column(ForeignKey("taxonomies.id"))
    quota: Mapped[int] = mapped_column(default=1)
    state: Mapped[str] = mapped_column(default="open", index=True)
    accepted_assignment_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("assignments.id", use_alter=True, name="fk_tasks_accepted_assignment_id_assignments")
    )
    created_at: Mapped[CreatedAt]
    clip: Mapped[Clip] = relationship(lazy="joined")
    taxonomy: Mapped[Taxonomy] = relationship(lazy="joined")
    assignments: Mapped[list[Assignment]] = relationship(
        back_populates="task", foreign_keys="Assignment.task_id", order_by="Assignment.id"
    )


class Assignment(Base):
    """open → in_progress → submitted → returned | accepted; closed while its recording may not be seen.

    `version` grows with every save.
    """

    __tablename__ = "assignments"
    __table_args__ = (
        UniqueConstraint("task_id", "person_id"),
        CheckConstraint(
            "state IN ('open', 'in_progress', 'submitted', 'returned', 'accepted', 'closed')", name="state"
        ),
    )

    id: Mapped[IdPk]
    task_id: Mapped[UUID] = mapped_column(ForeignKey("tasks.id"))
    person_id: Mapped[UUID] = mapped_column(ForeignKey("people.id"), index=True)
    state: Mapped[str] = mapped_column(default="open", index=True)
    version: Mapped[int] = mapped_column(default=1)
    saved_at: Mapped[datetime | None]
    submitted_at: Mapped[datetime | None]
    reviewed_by: Mapped[UUID | None] = mapped_column(ForeignKey("people.id"))
    reviewed_at: Mapped[datetime | None]
    return_reason: Mapped[str | None]
    created_at: Mapped[CreatedAt]
    task: Mapped[Task] = relationship(back_populates="assignments", foreign_keys=[task_id], lazy="joined")
    person: Mapped[Person] = relationship(foreign_keys=[person_id], lazy="joined")
    annotations: Mapped[list[Annotation]] = relationship(
        back_populates="assignment", order_by="Annotation.start_frame, Annotation.id", lazy="selectin"
    )

    __mapper_args__ = {"version_id_col": version}


class Annotation(Base):
    """One label: an `event` (interval), a `track` (box keyframes; one row a track) or a `tag` (the whole clip).

    Frames are ordinals of the recording (not of the clip), half-open; PTS are copied from the frame ledger.
    Keyframes of a track: [{"frame": int, "box": [x, y, width, height] in 0…1 of the master, "outside": bool}].
    """

    __tablename__ = "annotations"
    __table_args__ = (
        CheckConstraint("kind IN ('event', 'track', 'tag')", name="kind"),
        CheckConstraint("start_frame >= 0 AND end_frame > start_frame", name="interval"),
    )

    id: Mapped[IdPk]
    assignment_id: Mapped[UUID] = mapped_column(ForeignKey("assignments.id"), index=True)
    kind: Mapped[str]
    label: Mapped[str]
    start_frame: Mapped[int]
    end_frame: Mapped[int]
    start_pts: Mapped[int] = mapped_column(BigInteger)
    end_pts: Mapped[int] = mapped_column(BigInteger)
    keyframes: Mapped[list[dict[str, Any]] | None] = mapped_column(JSONB)
    attributes: Mapped[Json]
    created_at: Mapped[CreatedAt]
    assignment: Mapped[Assignment] = relationship(back_populates="annotations")
