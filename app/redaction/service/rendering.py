"""What counts of a rendering: begun for an approved redaction, stored under keys of the job's attempt, committed if
nobody stopped it meanwhile."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from app.audit.events import Tag
from app.core.clock import now
from app.core.identity import SYSTEM
from app.jobs import Superseded
from app.redaction import queries
from app.redaction.models import RedactedClip, Redaction
from app.redaction.service import lifecycle
from app.redaction.service.proposing import Material, material, ready
from app.redaction.service.rows import to_render
from ingest.intervals import Interval
from ingest.redact.regions import Region

ROOT = "redactions/"
GONE = "The recording can no longer be used"


@dataclass(frozen=True, slots=True)
class Order:
    """What to render: accepted regions, and the intervals of the clips to cut, by clip."""

    redaction_id: UUID
    material: Material
    regions: tuple[Region, ...]
    clips: dict[UUID, Interval]

    @property
    def prefix(self) -> str:
        """Under which everything of this redaction is stored."""
        return f"{ROOT}{self.redaction_id}/"


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file in the vault that no row names yet."""

    blob_key: str
    size: int
    sha256: bytes


def recording_of(session: Session, redaction_id: UUID) -> UUID | None:
    """The recording of a redaction."""
    redaction = session.get(Redaction, redaction_id)
    return redaction.recording_id if redaction else None


def begin(session: Session, redaction_id: UUID, *, job_id: int | None) -> Order | None:
    """Marks an approved redaction as being rendered; None when there is nothing (left) to do for this job."""
    redaction = _locked(session, redaction_id)
    if redaction is None or redaction.state not in queries.RENDERING or redaction.job_id != job_id:
        return None
    source = material(session, redaction.recording_id)
    if source is None:
        fail(session, redaction_id, GONE, job_id=job_id)
        return None
    if redaction.state == "approved":
        lifecycle.move(session, redaction, "rendering")
        lifecycle.note(session, SYSTEM, Tag.REDACTION_RENDERING, redaction)
    clips = queries.clips_to_cut(session, redaction.recording_id)
    return Order(
        redaction_id,
        source,
        tuple(to_render(row) for row in redaction.regions if row.decision == "accepted"),
        {clip.id: Interval(clip.start_frame, clip.end_frame) for clip in clips},
    )


def commit_render(
    session: Session,
    redaction_id: UUID,
    *,
    job_id: int | None,
    master: StoredFile | None,
    clips: dict[UUID, StoredFile],
    made_by: dict[str, Any],
) -> None:
    """Makes what was stored the redaction's; without a master there was nothing to hide.

    Raises Superseded, also where the approval that this job renders was stopped and another one given since.
    """
    redaction = _locked(session, redaction_id)
    current = redaction is not None and redaction.state == "rendering" and redaction.job_id == job_id
    if redaction is None or not current or ready(session, redaction.recording_id) is None:
        raise Superseded(f"the rendering of redaction {redaction_id} no longer counts")
    if master is not None:
        redaction.blob_key, redaction.size, redaction.sha256 = master.blob_key, master.size, master.sha256
    session.add_all(
        RedactedClip(
            clip_id=clip_id,
            redaction_id=redaction_id,
            blob_key=file.blob_key,
            size=file.size,
            sha256=file.sha256,
        )
        for clip_id, file in clips.items()
    )
    redaction.made_by, redaction.rendered_at = made_by, now()
    lifecycle.move(session, redaction, "rendered")
    details = {"sha256": master.sha256.hex() if master else None, "clips": len(clips)}
    lifecycle.note(session, SYSTEM, Tag.REDACTION_RENDERED, redaction, details)


def fail(session: Session, redaction_id: UUID, reason: str, *, job_id: int | None) -> None:
    """Ends a rendering that cannot succeed, with the reason that a person reads, unless another job does it by now."""
    redaction = _locked(session, redaction_id)
    if redaction is not None and redaction.state in queries.RENDERING and redaction.job_id == job_id:
        redaction.reason = reason
        lifecycle.move(session, redaction, "failed")
        lifecycle.note(session, SYSTEM, Tag.REDACTION_FAILED, redaction, {"reason": reason})


def end_if_gone(session: Session, redaction_id: UUID, *, job_id: int | None) -> None:
    """Ends the rendering of a recording that was withdrawn meanwhile."""
    redaction = session.get(Redaction, redaction_id)
    if redaction is not None and ready(session, redaction.recording_id) is None:
        fail(session, redaction_id, GONE, job_id=job_id)


def _locked(session: Session, redaction_id: UUID) -> Redaction | None:
    return session.get(Redaction, redaction_id, with_for_update={"of": Redaction}, populate_existing=True)
