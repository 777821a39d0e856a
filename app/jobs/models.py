"""The table of progress rows: what a page shows of a running job, and the fence between its attempts."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.core.clock import now
from app.core.db import Base


class JobProgress(Base):
    """How far the latest attempt of one job is. `done` of `total` counts `unit`s of the present `step`; `began_at` is
    when that attempt began, null in rows from before this was kept.

    `job_id` is Procrastinate's; no foreign key, for its finished rows are pruned and these are history.
    """

    __tablename__ = "job_progress"
    __table_args__ = (Index(None, "subject_kind", "subject_id"),)

    job_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    subject_kind: Mapped[str]
    subject_id: Mapped[UUID]
    attempt: Mapped[int]
    step: Mapped[str] = mapped_column(default="")
    done: Mapped[float] = mapped_column(default=0.0)
    total: Mapped[float | None] = mapped_column(default=None)
    unit: Mapped[str] = mapped_column(default="")
    began_at: Mapped[datetime | None]
    updated_at: Mapped[datetime] = mapped_column(default=now)
    worker: Mapped[str]
