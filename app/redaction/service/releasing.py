"""Which footage of a clip may leave: its original's, or the redacted one's."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from sqlalchemy.orm import Session

from app.recordings.models import Clip
from app.redaction import queries
from app.redaction.models import Redaction
from app.redaction.service.errors import RedactionState

_OPEN = ("in_review", "approved", "rendering", "failed")


@dataclass(frozen=True, slots=True)
class Footage:
    """The file of a clip that is released: which variant, by which redaction, and where it is stored.

    `redaction_id` is also set where a person looked and found nothing to hide: then the variant is the original.
    """

    variant: Literal["original", "redacted"]
    redaction_id: UUID | None
    blob_key: str
    size: int
    sha256: bytes


def footage_of(session: Session, clips: Collection[Clip]) -> dict[UUID, Footage]:
    """For each clip its footage as it would leave now: the redacted one where the newest redaction is rendered.

    Raises RedactionState for a clip that is in no redacted form although its recording is: it was cut later.
    """
    newest = queries.newest_of(session, {clip.recording_id for clip in clips})
    rendered = {id_: one for id_, one in newest.items() if one.state == "rendered"}
    cut = queries.redacted_clips(session, {one.id for one in rendered.values()})
    found = {}
    for clip in clips:
        redaction, redacted = rendered.get(clip.recording_id), cut.get(clip.id)
        if redaction and redaction.blob_key and redacted is None:
            raise RedactionState(
                f"clip {clip.id} was cut after its recording was redacted: render that again"
            )
        file = redacted or clip
        variant: Literal["original", "redacted"] = "redacted" if redacted else "original"
        id_ = redaction.id if redaction else None
        found[clip.id] = Footage(variant, id_, file.blob_key, file.size, file.sha256)
    return found


def begun_and_not_finished(session: Session, recording_ids: Collection[UUID]) -> dict[UUID, Redaction]:
    """Recordings whose redaction somebody began and that is not rendered, by recording: none of them may leave.

    For a joined recording that is not redacted itself, the redaction of a part that somebody worked on: what a person
    hid there would be seen again.
    """
    newest = queries.newest_of(session, recording_ids)
    begun = {id_: redaction for id_, redaction in newest.items() if redaction.state in _OPEN}
    done = {id_ for id_, redaction in newest.items() if redaction.state == "rendered"}
    pairs = queries.parts_of(session, set(recording_ids) - done - begun.keys())
    of_parts = queries.newest_of(session, {part for _, part in pairs})
    for joined, part in pairs:
        if part in of_parts and of_parts[part].state != "proposed":
            begun[joined] = of_parts[part]
    return begun
