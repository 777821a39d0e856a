"""A recording, its renditions and its clips."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Computed,
    ForeignKey,
    Index,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship, validates

from app.core.db import Base, CreatedAt, IdPk, Json
from app.exercises.models import Exercise


class Recording(Base):
    """processing → ready | rejected: why → withdrawn → erased. The original never changes.

    `quarantined`: perhaps a real incident. It stands beside these and ends in erasure, or where it came from.

    Times are kept apart: the camera's own, the offset somebody reported for it, and the server's. What a person says of
    it can be said better later: `details_version` counts that.
    `attempt` counts attempts to put the renditions together; one commits them only while it is the current one.
    What was joined from other recordings (`RecordingPart`) has no upload; each of those is `part_of_id` it as long as
    it stands for them. `clip_set` numbers the set of clips that counts. `suggestion` is what the file's telemetry says
    of camera and start, for its force's officers alone; it goes when the recording is erased.
    """

    __tablename__ = "recordings"
    __table_args__ = (
        CheckConstraint(
            "state IN ('processing', 'ready', 'rejected', 'quarantined', 'withdrawn', 'erased')", name="state"
        ),
        CheckConstraint(
            "viewpoint IN ('attacker_role', 'officer', 'bystander_role', 'observer', 'fixed')",
            name="viewpoint",
        ),
        Index(None, "organisation_id", "id"),
        Index(None, "organisation_id", "state", "id"),
        Index(None, "organisation_id", "received_at"),
        Index(None, "exercise_id", "id"),
        Index(
            None,
            "search_text",
            postgresql_using="gin",
            postgresql_ops={"search_text": "gin_trgm_ops"},
            postgresql_with={"fastupdate": "off"},
        ),
        Index(
            "uq_recordings_organisation_id_sha256",
            "organisation_id",
            "sha256",
            unique=True,
            postgresql_where="state IN ('processing', 'ready')",
        ),
    )

    id: Mapped[IdPk]
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"))
    exercise_id: Mapped[UUID] = mapped_column(ForeignKey("exercises.id"))
    upload_id: Mapped[UUID | None] = mapped_column(ForeignKey("uploads.id"), unique=True)
    part_of_id: Mapped[UUID | None] = mapped_column(ForeignKey("recordings.id"), index=True)
    data_key_id: Mapped[UUID] = mapped_column(ForeignKey("data_keys.id"))
    filename: Mapped[str]
    sha256: Mapped[bytes] = mapped_column(index=True)
    size: Mapped[int] = mapped_column(BigInteger)
    blob_key: Mapped[str]
    camera: Mapped[str | None]
    camera_started_at: Mapped[datetime | None]
    camera_offset_seconds: Mapped[float | None]  # the camera's clock minus true time
    viewpoint: Mapped[str | None]
    reference: Mapped[str | None]  # the force's own exhibit number
    notes: Mapped[str | None]
    details_version: Mapped[int] = mapped_column(default=1)
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
    suggestion: Mapped[Json | None]
    clip_set: Mapped[int] = mapped_column(default=1)
    search_text: Mapped[str | None] = mapped_column(
        Computed(
            "lower(filename || ' ' || coalesce(reference, '') || ' ' || coalesce(camera, '') || ' ' || "
            "coalesce(notes, ''))",
            persisted=True,
        ),
        deferred=True,
    )
    exercise: Mapped[Exercise] = relationship(lazy="joined")
    renditions: Mapped[list[Rendition]] = relationship(back_populates="recording")
    clips: Mapped[list[Clip]] = relationship(
        back_populates="recording", order_by="(Clip.clip_set, Clip.ordinal)"
    )

    @validates("state")
    def _forget(self, _key: str, state: str) -> str:
        """Whoever erases a recording need not know of what its telemetry said."""
        if state == "erased":
            self.suggestion = None
        return state

    @property
    def corrected_start(self) -> datetime | None:
        """When it truly began: the camera's own time less the offset that was stated. None where either is not known,
        and where the result lies outside of what a date can say."""
        if self.camera_started_at is None or self.camera_offset_seconds is None:
            return None
        try:
            return self.camera_started_at - timedelta(seconds=self.camera_offset_seconds)
        except OverflowError:
            return None


class Rendition(Base):
    """master, proxy, storyboard, storyboard_index, poster, waveform, pcm, ledger, telemetry, parts, cfr-RATE or
    cfr-RATE-map; and how it was made."""

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
    A recording that is cut anew gets another set beside; clips never change.
    """

    __tablename__ = "clips"
    __table_args__ = (
        UniqueConstraint("recording_id", "clip_set", "ordinal"),
        CheckConstraint("start_frame >= 0 AND end_frame > start_frame", name="interval"),
    )

    id: Mapped[IdPk]
    recording_id: Mapped[UUID] = mapped_column(ForeignKey("recordings.id"), index=True)
    clip_set: Mapped[int] = mapped_column(default=1)
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
