"""What a machine found becomes proposals: once a recording, and never over what a person began."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.orm import Session

from app.audit.events import Tag
from app.authz.permissions import Permission
from app.core.identity import SYSTEM, Identity
from app.jobs import ASKED_FOR, MEDIA_QUEUE, AlreadyQueued, defer
from app.recordings import queries as recordings
from app.recordings.models import Recording
from app.recordings.service import key_of
from app.redaction import queries
from app.redaction.models import Redaction
from app.redaction.regions import MAX_PROPOSALS, Wanted, style_for
from app.redaction.service import lifecycle
from app.redaction.service.errors import RedactionState
from app.redaction.service.rows import row_of
from app.storage.models import DataKey
from ingest.frames import Ledger
from ingest.redact.propose import Proposals


@dataclass(frozen=True, slots=True)
class Material:
    """What is looked through: the recording, its key, and where its master and its 16 kHz sound (if any) are stored."""

    recording: Recording
    key: DataKey
    master: str
    pcm: str | None


def request_proposals(session: Session, identity: Identity, recording_id: UUID) -> None:
    """Has a recording looked through. Raises RedactionState when it has a redaction, or waits for one, already."""
    recording = lifecycle.find_recording(session, identity, recording_id, Permission.REDACTION_REVIEW)
    if queries.newest(session, recording.id) is not None:
        raise RedactionState("It was looked through before: its redaction is there")
    try:
        lock = f"redaction.propose {recording_id}"
        defer(
            session,
            "redaction.propose",
            queue=MEDIA_QUEUE,
            priority=ASKED_FOR,
            queueing_lock=lock,
            recording_id=recording_id,
        )
    except AlreadyQueued:
        raise RedactionState("It is waiting to be looked through already") from None


def material(session: Session, recording_id: UUID) -> Material | None:
    """What to look through; None when the recording is not (or no longer) ready or has no master."""
    recording = ready(session, recording_id)
    if recording is None:
        return None
    master = recordings.rendition(session, recording_id, "master")
    pcm = recordings.rendition(session, recording_id, "pcm")
    if master is None:
        return None
    return Material(recording, key_of(session, recording), master.blob_key, pcm.blob_key if pcm else None)


def ready(session: Session, recording_id: UUID) -> Recording | None:
    """The recording while it may be used, kept so until the transaction ends: a withdrawal waits, and then finds the
    job that began before."""
    locking = {"read": True, "of": Recording}
    recording = session.get(Recording, recording_id, with_for_update=locking, populate_existing=True)
    return recording if recording is not None and recording.state == "ready" else None


def has_redaction(session: Session, recording_id: UUID) -> bool:
    """True when there is nothing to propose any more."""
    return queries.newest(session, recording_id) is not None


def commit_proposals(
    session: Session, recording_id: UUID, proposals: Proposals, ledger: Ledger, version: str
) -> Redaction | None:
    """Stores what was found as pending regions; None when a person (or an earlier run) was first."""
    recording = session.get(
        Recording, recording_id, with_for_update={"of": Recording}, populate_existing=True
    )
    if recording is None or recording.state != "ready" or has_redaction(session, recording_id):
        return None
    kept, left_out = _kept(proposals)
    uncovered = left_out[0].start_frame if left_out else None
    redaction = lifecycle.add(session, recording, number=1, state="proposed", uncovered_from=uncovered)
    session.add_all(row_of(redaction.id, one, ledger, source="proposed", decision="pending") for one in kept)
    session.flush()
    counts = {"tracks": len(proposals.tracks), "voices": len(proposals.voices), "detectors": version}
    if left_out:
        counts |= {"left_out": len(left_out), "uncovered_from": uncovered}
    lifecycle.note(session, SYSTEM, Tag.REDACTION_PROPOSED, redaction, counts)
    return redaction


def _kept(proposals: Proposals) -> tuple[list[Wanted], list[Wanted]]:
    """What is kept and what is too much, by first frame: what is kept covers the recording up to where that begins."""
    wanted = [
        Wanted(
            t.kind, style_for(t.kind), t.start_frame, t.end_frame, [k.as_json() for k in t.keyframes], t.score
        )
        for t in proposals.tracks
    ]
    wanted += [
        Wanted("voice", style_for("voice"), v.start_frame, v.end_frame, None, v.score)
        for v in proposals.voices
    ]
    wanted.sort(key=lambda one: one.start_frame)
    return wanted[:MAX_PROPOSALS], wanted[MAX_PROPOSALS:]
