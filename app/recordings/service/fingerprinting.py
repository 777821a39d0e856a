"""The same footage twice: fingerprints are stored when a recording gets ready, then compared with all others.

Comparing is a job of its own, deferred by the transaction that stores: it starts once that has committed, so of two
recordings that get ready at the same time the later job sees both, and nothing is locked meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.audit.events import Tag
from app.authz.permissions import Permission
from app.authz.predicates import sees_every_organisation
from app.core.clock import now
from app.core.identity import SYSTEM, Identity
from app.jobs import defer
from app.recordings import fingerprints
from app.recordings.models import Duplicate, Fingerprint, Recording
from app.recordings.service.lifecycle import find, note
from ingest.fingerprint import FrameHash
from ingest.vpdq_match import Match, Stretch, match, usable

LEAST_SHARE = 0.1  # of either recording's frames, from which a pair is worth telling
MOST_PROBES = 600  # frames of one recording that are looked for: in an hour, one in six seconds
MOST_COMPARED = 200  # recordings that are then compared frame by frame, those with most hits


@dataclass(frozen=True, slots=True)
class NearDuplicate:
    """Another recording that holds the same footage. `share` of this recording's frames is in the other, `other_share`
    of the other's in this one; the stretches, frames [start, end), say where in each."""

    other: Recording
    kind: str
    share: float
    other_share: float
    stretches: list[list[int]]
    other_stretches: list[list[int]]


@dataclass(frozen=True, slots=True)
class Duplicates:
    """What is known: `state` is `none` (never hashed), `comparing` or `compared`."""

    state: str
    found: list[NearDuplicate]


def store_fingerprints(
    session: Session, recording: Recording, hashes: Sequence[FrameHash], *, md5: bytes
) -> None:
    """Keeps the vPDQ and the MD5 (16 bytes) of a recording, and has it compared once `session` commits.

    To be called in the transaction that makes the recording ready; storing again replaces and compares again.
    """
    session.flush()
    counting = fingerprints.replace_hashes(session, recording.id, hashes)
    values = {"md5": md5, "frames": len(hashes), "comparable": counting, "compared_at": None}
    statement = insert(Fingerprint).values(recording_id=recording.id, **values)
    session.execute(statement.on_conflict_do_update(index_elements=["recording_id"], set_=values))
    defer(session, "recordings.compare", recording_id=recording.id)


def find_duplicates(session: Session, recording_id: UUID, check: Callable[[], None]) -> int:
    """Compares a recording with all others and keeps which hold the same footage; returns how many.

    Does nothing for one that was never hashed. Safe to run again: what was found before stays.
    """
    recording, mark = session.get(Recording, recording_id), session.get(Fingerprint, recording_id)
    if recording is None or mark is None:
        return 0
    matches = _near(session, recording, check)
    same = fingerprints.same_bytes(session, recording, mark.md5)
    matches |= dict.fromkeys(same, _whole(recording))
    fingerprints.keep_duplicates(
        session,
        [_row(recording_id, o, "exact" if o in same else "near", matches[o]) for o in sorted(matches)],
    )
    mark.compared_at = now()
    session.flush()
    note(session, SYSTEM, Tag.RECORDING_COMPARED, recording, {"frames": mark.comparable})
    return len(matches)


def near_duplicates(session: Session, identity: Identity, recording_id: UUID) -> Duplicates:
    """The recordings that hold the same footage, those that share most first. Raises Forbidden, NotFound.

    Only those of the recording's own force: that another force holds the same is for the operator's auditors alone.
    """
    recording = find(session, identity, recording_id, Permission.RECORDING_READ)
    owner = None if sees_every_organisation(identity) else recording.organisation_id
    mark = session.get(Fingerprint, recording_id)
    if mark is None:
        return Duplicates("none", [])
    pairs = fingerprints.duplicates_of(session, recording_id, owner)
    state = "comparing" if mark.compared_at is None else "compared"
    return Duplicates(state, [_seen_from(recording_id, pair) for pair in pairs])


def _near(session: Session, recording: Recording, check: Callable[[], None]) -> dict[UUID, Match]:
    """Recordings that share enough frames, by frame; found by index, then compared whole."""
    hashes = fingerprints.hashes_of(session, recording)
    hits = fingerprints.recordings_near(session, _probes(hashes), recording.id, check)
    found = {}
    for other_id, _ in hits.most_common(MOST_COMPARED):
        check()
        other = session.get_one(Recording, other_id)
        shared = match(hashes, fingerprints.hashes_of(session, other))
        if max(shared.query_share, shared.compared_share) >= LEAST_SHARE:
            found[other_id] = shared
    return found


def _probes(hashes: Sequence[FrameHash]) -> list[bytes]:
    """At most MOST_PROBES, one of each stretch of the recording, each time one frame later in it: an even step would
    always miss the frames that another file's grid has."""
    able = usable(hashes)
    step = -(-len(able) // MOST_PROBES) or 1
    places = (start + start // step % step for start in range(0, len(able), step))
    return [able[place].hash for place in places if place < len(able)]


def _whole(recording: Recording) -> Match:
    whole = (Stretch(0, recording.frame_count or 0),)
    return Match(1.0, 1.0, whole, whole)


def _row(recording_id: UUID, other_id: UUID, kind: str, found: Match) -> dict[str, object]:
    sides = [
        (recording_id, found.query_share, found.query),
        (other_id, found.compared_share, found.compared),
    ]
    first, second = sorted(sides, key=lambda side: side[0])
    return {
        "first_id": first[0],
        "second_id": second[0],
        "kind": kind,
        "first_share": first[1],
        "second_share": second[1],
        "first_stretches": [[one.start_frame, one.end_frame] for one in first[2]],
        "second_stretches": [[one.start_frame, one.end_frame] for one in second[2]],
    }


def _seen_from(recording_id: UUID, pair: Duplicate) -> NearDuplicate:
    mine = (pair.first_share, pair.first_stretches)
    theirs = (pair.second_share, pair.second_stretches)
    other = pair.second
    if pair.second_id == recording_id:
        mine, theirs, other = theirs, mine, pair.first
    return NearDuplicate(other, pair.kind, mine[0], theirs[0], mine[1], theirs[1])
