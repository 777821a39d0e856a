"""A recording cut anew, by ranges that a person named or by another strategy: a second set of clips beside the first.

Clips never change and none is removed: labels and frozen versions go on meaning what they meant. Of the sets of a
recording the newest counts: it alone is offered for labelling.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from app.audit.events import Tag
from app.authz.permissions import Permission
from app.core.errors import InvalidRequest
from app.core.identity import SYSTEM, Identity
from app.jobs import defer
from app.recordings import queries
from app.recordings.models import Derivation, Recording
from app.recordings.service.clips import clip_rows
from app.recordings.service.deriving import GONE, ask, end, fail, opened, still_open
from app.recordings.service.errors import NotReady
from app.recordings.service.keys import key_of
from app.recordings.service.lifecycle import find, note
from app.storage.models import DataKey
from ingest.recut import Recut
from ingest.segmentation.plan import ManualPlan, SegmentPlan


@dataclass(frozen=True, slots=True)
class MakeOrder:
    """What to make of a ready recording, and where what it is made from is stored."""

    derivation_id: UUID
    recording: Recording
    key: DataKey
    parameters: dict[str, Any]
    master: str
    signals: str | None

    def blob_key(self, attempt_key: str, path: str) -> str:
        """Where an output of one attempt of the job is stored."""
        return f"recordings/{self.recording.id}/derived/{self.derivation_id}/{attempt_key}/{path}"


def request_cut(
    session: Session,
    identity: Identity,
    recording_id: UUID,
    *,
    ranges: Sequence[tuple[int, int]] = (),
    strategies: Sequence[str] | None = None,
    seconds: int | None = None,
) -> Derivation:
    """Has a recording cut anew: `ranges` are frames [start, end) that become clips, whatever else is cut.

    Raises Forbidden, NotFound, NotReady, AlreadyAsked, InvalidRequest for what is no range of it.
    """
    recording = find(session, identity, recording_id, Permission.RECORDING_DERIVE, lock=True)
    require_whole(recording)
    if not ranges and strategies is None and seconds is None:
        raise InvalidRequest("Say how to cut: ranges, strategies or seconds")
    for start, stop in ranges:
        if not 0 <= start < stop <= (recording.frame_count or 0):
            raise InvalidRequest(
                f"ranges: {start} to {stop} is no range of frames; the recording has {recording.frame_count}, "
                "counted from 0, and a range ends before its second number"
            )
    parameters = {
        "ranges": [[start, stop] for start, stop in sorted(set(ranges))],
        "strategies": None if strategies is None else list(strategies),
        "seconds": seconds,
    }
    plan_of(parameters, SegmentPlan())
    return ask(session, identity, recording, "clips", parameters)


def require_whole(recording: Recording) -> None:
    """Raises NotReady for what nothing can be made of, a part of a joined recording among it."""
    if recording.state != "ready":
        raise NotReady
    if recording.part_of_id is not None:
        raise NotReady(f"It is a part of recording {recording.part_of_id}: ask for that one")


def plan_of(parameters: dict[str, Any], usual: SegmentPlan) -> SegmentPlan:
    """The usual plan with what was asked for. Raises InvalidRequest for what does not go together."""
    try:
        plan = usual if parameters["seconds"] is None else usual.with_length(parameters["seconds"])
        plan = plan if parameters["strategies"] is None else plan.only(tuple(parameters["strategies"]))
        ranges = tuple((start, stop) for start, stop in parameters["ranges"])
        return replace(plan, manual=ManualPlan(ranges)) if ranges else plan
    except ValueError as error:
        raise InvalidRequest(str(error)) from error


def begin_making(session: Session, derivation_id: UUID, *, job_id: int) -> MakeOrder | None:
    """What this job is to make; None when there is nothing (left) to do."""
    row = opened(session, derivation_id, job_id)
    if row is None:
        return None
    recording = session.get_one(Recording, row.recording_id)
    master = queries.rendition(session, recording.id, "master")
    if recording.state != "ready" or master is None:
        fail(session, row, "gone", GONE)
        return None
    signals = queries.rendition(session, recording.id, "signals")
    return MakeOrder(
        row.id,
        recording,
        key_of(session, recording),
        row.parameters,
        master.blob_key,
        signals.blob_key if signals else None,
    )


def commit_cut(session: Session, order: MakeOrder, made: Recut, attempt_key: str, *, job_id: int) -> None:
    """Makes the clips, stored by now, the recording's newest set; tasks are opened for them. Raises Superseded."""
    row = still_open(session, order.derivation_id, job_id)
    recording = queries.locked(session, order.recording.id)
    if recording is None or recording.state != "ready":
        fail(session, row, "gone", GONE)
        return
    recording.clip_set += 1
    session.add_all(
        clip_rows(
            recording.id, recording.clip_set, made.clips, lambda path: order.blob_key(attempt_key, path)
        )
    )
    counts = {"clip_set": recording.clip_set, "clips": len(made.clips)}
    end(session, row, counts | {"command": list(made.command), "version": made.version})
    note(session, SYSTEM, Tag.RECORDING_CUT, recording, counts | {"derivation": str(row.id)})
    defer(session, "annotation.open_tasks", recording_id=recording.id)
