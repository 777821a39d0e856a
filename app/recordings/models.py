"""A recording, its renditions and its clips."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.db import Base, CreatedAt, IdPk, Json
from app.exercises.models import Exercise


class Recording(Base):
    """processing → ready | rejected: why → withdrawn → erased. The original never changes.

    Times are kept apart: the camera's own, the offset somebody reported for it, and the server's.
    `attempt` counts attempts to put the renditions together; one commits them only while it is the current one.
    """

    __tablename__ = "recordings"
    __table_args__ = (
        CheckConstraint("state IN ('processing', 'ready', 'rejected', 'withdrawn', 'erased')", name="state"),
        Index(
            "uq_recordings_organisation_id_sha256",
            "organisation_id",
            "sha256",
            unique=True,
            postgresql_where="state IN ('processing', 'ready')",
        ),
    )

    id: Mapped[IdPk]
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"), index=True)
    exercise_id: Mapped[UUID] = mapped_column(ForeignKey("exercises.id"), index=True)
    upload_id: Mapped[UUID] = mapped_column(ForeignKey("uploads.id"), unique=True)
    data_key_id: Mapped[UUID] = mapped_column(ForeignKey("data_keys.id"))
    filename: Mapped[str]
    sha256: Mapped[bytes]
    size: Mapped[int] = mapped_column(BigInteger)
    blob_key: Mapped[str]
    camera: Mapped[str | None]
    camera_started_at: Mapped[datetime | None]
    camera_offset_seconds: Mapped[float | None]
    received_at: Mapped[CreatedAt]
    state: Mapped[str] = mapped_column(default="processing")
    reason_code: Mapped[str | None]
    reason: Mapped[str | None]
    attempt: Mapped[int] = mapped_column(default=0)
    job_id: Mapped[int | None] = mapped_column(BigInteger)
    ready_at: Mapped[datetime | None]
    frame_count: Mapped[int | None]
    time_base_num: Mapped[int | None]
    time_base_den: Mapped[int | None]
    duration_seconds: Mapped[float | None]
    width: Mapped[int | None]
    height: Mapped[int | None]
    has_audio: Mapped[bool | None]
    report: Mapped[Json | None]
    exercise: Mapped[Exercise] = relationship(lazy="joined")
    renditions: Mapped[list[Rendition]] = relationship(back_populates="recording")
    clips: Mapped[list[Clip]] = relationship(back_populates="recording", order_by="Clip.ordinal")


class Rendition(Base):
    """master, proxy, storyboard, storyboard_index, poster, waveform, pcm, ledger or telemetry; and how it was made."""

    __tablename__ = "renditions"
    __table_args__ = (UniqueConstraint("recording_id", "kind"),)

    id: Mapped[IdPk]
    recording_id: Mapped[UUID] = mapped_column(ForeignKey("recordings.id"))
    kind: Mapped[str]
    attempt: Mapped[int]
    blob_key: Mapped[str]
    media_type: Mapped[str]
    size: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[bytes]
    made_by: Mapped[Json]
    created_at: Mapped[CreatedAt]
    recording: Mapped[Recording] = relationship(back_populates="renditions")


class Clip(Base):
    """The half-open interval [start_frame, end_frame) of one recording, materialised as its own file.

    PTS are integers in the recording's time base; `end_pts` is the PTS at which the last frame ends. `reasons` say why
    it was cut so; `eventful` is false where somebody looked and noticed nothing: such clips are kept, as negatives.
    """

    __tablename__ = "clips"
    __table_args__ = (
        UniqueConstraint("recording_id", "ordinal"),
        CheckConstraint("start_frame >= 0 AND end_frame > start_frame", name="interval"),
    )

    id: Mapped[IdPk]
    recording_id: Mapped[UUID] = mapped_column(ForeignKey("recordings.id"), index=True)
    ordinal: Mapped[int]
    start_frame: Mapped[int]
    end_frame: Mapped[int]
    start_pts: Mapped[int] = mapped_column(BigInteger)
    end_pts: Mapped[int] = mapped_column(BigInteger)
    seconds: Mapped[float]
    eventful: Mapped[bool]
    reasons: Mapped[list[str]] = mapped_column(JSONB)
    blob_key: Mapped[str]
    size: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[bytes]
    created_at: Mapped[CreatedAt]
    recording: Mapped[Recording] = relationship(back_populates="clips")


class IngestStep(Base):
    """One step of a recording's ingest (`ingest.steps`): which job does it, and once done, where its files are kept.

    `key` is the digest of all that decides the step's output; `files` is null until it is done. The rows go when the
    recording is ready or rejected, and their objects with them.
    """

    __tablename__ = "ingest_steps"
    __table_args__ = (UniqueConstraint("recording_id", "name"),)

    id: Mapped[IdPk]
    recording_id: Mapped[UUID] = mapped_column(ForeignKey("recordings.id"))
    name: Mapped[str]
    key: Mapped[str]
    frames: Mapped[int] = mapped_column(default=0)
    job_id: Mapped[int | None] = mapped_column(BigInteger)
    files: Mapped[Json | None]
    created_at: Mapped[CreatedAt]
    done_at: Mapped[datetime | None]


class RecordingView(Base):
    """That somebody looked at something of a recording within one window of time: a player asks for hundreds of
    ranges, and the log gets one entry."""

    __tablename__ = "recording_views"
    __table_args__ = (UniqueConstraint("actor_id", "recording_id", "what", "window_start"),)

    id: Mapped[IdPk]
    actor_id: Mapped[UUID]
    recording_id: Mapped[UUID] = mapped_column(ForeignKey("recordings.id"))
    what: Mapped[str]
    window_start: Mapped[datetime] = mapped_column(index=True)
