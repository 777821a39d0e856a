"""Looking at one clip: its frames by the ledger, its footage by the vault.

Open to the annotators of the clip and to reviewers. The log gets one `clip:viewed` for each person, clip and window
of time, however many ranges a player asks for.
"""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.orm import Session

from app.annotation import queries
from app.annotation.service.assignments import sees_all
from app.authz.permissions import Permission
from app.authz.predicates import require
from app.core.errors import NotFound
from app.core.identity import Identity
from app.recordings.ledger import FrameTimes, LedgerOf, times_of
from app.recordings.models import Clip, Recording
from app.recordings.service import open_clip, require_viewable
from app.storage.models import DataKey


def clip_footage(session: Session, identity: Identity, clip_id: UUID) -> tuple[Clip, DataKey]:
    """The clip and the key to its file; audited. Raises NotFound, NotViewable."""
    clip = _find(session, identity, clip_id)
    return clip, open_clip(session, identity, clip)


def clip_frames(session: Session, identity: Identity, ledger_of: LedgerOf, clip_id: UUID) -> FrameTimes:
    """When each of the clip's frames is shown, as the camera stamped it. Raises NotFound, NotViewable."""
    clip = _find(session, identity, clip_id)
    recording = session.get_one(Recording, clip.recording_id)
    require_viewable(recording)
    return times_of(ledger_of(recording), clip.start_frame, clip.end_frame)


def _find(session: Session, identity: Identity, clip_id: UUID) -> Clip:
    require(identity, Permission.CLIP_VIEW)
    clip = session.get(Clip, clip_id)
    if clip is None:
        raise NotFound
    person_id = identity.person_id
    assigned = person_id is not None and queries.is_assigned(session, person_id, clip_id)
    if not assigned and not sees_all(identity):
        raise NotFound
    return clip
