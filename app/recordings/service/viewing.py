"""Looking at footage: who may, and the entry in the log.

A player asks for hundreds of byte ranges. The log gets one `recording:viewed` for each person, rendition and
window of five minutes, decided by a unique row: exact under concurrency, and a long viewing shows as several entries.
"""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy.orm import Session

from app.audit.events import Tag
from app.authz.permissions import Permission
from app.core.clock import now
from app.core.errors import NotFound
from app.core.identity import Identity
from app.recordings import queries
from app.recordings.models import Clip, Recording, Rendition
from app.recordings.service.errors import NotViewable
from app.recordings.service.keys import key_of
from app.recordings.service.lifecycle import find, note
from app.storage.models import DataKey

VIEW_WINDOW_SECONDS = 300
COPY = "cfr-"  # copies at a constant frame rate, and their maps
VIEWABLE = ("proxy", "stream", "playlist", "storyboard", "storyboard_index", "poster", "waveform")


def open_rendition(
    session: Session, identity: Identity, recording_id: UUID, kind: str
) -> tuple[Rendition, DataKey]:
    """A rendition that the actor may look at, and the key to it; audited. Raises NotFound, NotViewable."""
    recording = find(session, identity, recording_id, Permission.RECORDING_VIEW)
    if recording.state != "quarantined":
        require_viewable(recording)  # `find` shows that to its own force alone, which must look to decide
    viewable = kind in VIEWABLE or kind.startswith(COPY)
    rendition = queries.rendition(session, recording_id, kind) if viewable else None
    if rendition is None:
        raise NotViewable
    record_view(session, identity, recording, kind)
    return rendition, key_of(session, recording)


def require_viewable(recording: Recording) -> None:
    """Raises NotViewable unless the recording is ready: what was withdrawn, quarantined or erased shows nothing."""
    if recording.state != "ready":
        raise NotViewable


def open_clip(session: Session, identity: Identity, clip: Clip) -> DataKey:
    """The key to a clip's file, audited. For features that have decided that the actor may see the clip."""
    recording = clip.recording
    require_viewable(recording)
    again = f"set {clip.clip_set}, " if clip.clip_set > 1 else ""
    record_view(session, identity, recording, f"clip:{again}{clip.ordinal}", tag=Tag.CLIP_VIEWED)
    return key_of(session, recording)


def record_view(
    session: Session, identity: Identity, recording: Recording, what: str, *, tag: Tag = Tag.RECORDING_VIEWED
) -> None:
    """Writes `recording:viewed` (or `clip:viewed`) once for each actor, thing and window."""
    seconds = int(now().timestamp()) // VIEW_WINDOW_SECONDS * VIEW_WINDOW_SECONDS
    window = datetime.fromtimestamp(seconds, UTC)
    if identity.id is None:
        raise NotFound
    if queries.note_view(session, identity.id, recording.id, what, window):
        note(session, identity, tag, recording, {"what": what})
