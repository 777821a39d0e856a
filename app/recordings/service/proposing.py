"""Which recordings of an exercise look like parts of one: told by their files' names, else by their clocks.

A proposal is no more than that. Whether they are parts is found out, frame by frame, when they are joined.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import groupby, pairwise
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from app.authz.permissions import Permission
from app.authz.predicates import require
from app.core.identity import Identity
from app.exercises.service import get_exercise
from app.recordings import queries
from app.recordings.models import Derivation, Recording
from app.recordings.service.telling import told_by
from ingest.chapters import number_of

MOST_LOOKED_AT = 500
# Cameras write whole seconds, and take a moment to begin the next file.
_CLOCK_SLACK = 5.0
_SAME = (
    "container", "video_codec", "width", "height", "rotation", "pixel_format", "time_base",
    "audio_codec", "audio_rate", "audio_channels",
)  # fmt: skip


def joinable(session: Session, identity: Identity, exercise_id: UUID) -> list[Recording]:
    """The recordings of an exercise that may be joined, oldest first. Raises Forbidden, NotFound."""
    require(identity, Permission.RECORDING_DERIVE)
    get_exercise(session, identity, exercise_id)
    query = queries.recordings_of(None, exercise_id=exercise_id, state="ready")
    query = query.where(Recording.part_of_id.is_(None), Recording.upload_id.is_not(None))
    found = session.scalars(query.order_by(Recording.id).limit(MOST_LOOKED_AT))
    busy = queries.ids_being_joined(session, exercise_id)
    return [one for one in found if one.id not in busy]


def likely_joins(candidates: Sequence[Recording]) -> list[list[Recording]]:
    """Groups of at least two that look like the parts of one recording, each in order; no recording in two."""
    groups = []
    left = list(candidates)
    for together in (_by_name, _by_clock):
        for group in together(left):
            groups.append(group)
            left = [one for one in left if one not in group]
    return groups


def recent_joins(
    session: Session, identity: Identity, exercise_id: UUID, *, limit: int = 10
) -> list[Derivation]:
    """The newest joins asked for in an exercise, newest first, whatever became of them."""
    require(identity, Permission.RECORDING_READ)
    get_exercise(session, identity, exercise_id)
    return queries.joins_of(session, exercise_id, limit)


def _by_name(candidates: Sequence[Recording]) -> Iterator[list[Recording]]:
    """Those whose names have a common part and numbers without a gap, and whose clocks do not contradict."""
    numbered = [(*number, one) for one in candidates if (number := number_of(one.filename)) is not None]
    numbered.sort(key=lambda row: (row[0], repr(_settings(row[2])), row[1]))
    for _, rows in groupby(numbered, key=lambda row: (row[0], _settings(row[2]))):
        members = list(rows)
        numbers = [number for _, number, _ in members]
        group = [one for _, _, one in members]
        whole = numbers == list(range(min(numbers[0], 1), min(numbers[0], 1) + len(numbers)))
        if len(group) > 1 and whole and all(_follows(a, b) is not False for a, b in pairwise(group)):
            yield group


def _by_clock(candidates: Sequence[Recording]) -> Iterator[list[Recording]]:
    """Those of which each begins when the one before ends."""
    timed = [(repr(_settings(one)), start, one) for one in candidates if (start := _start(one)) is not None]
    timed.sort(key=lambda row: row[:2])
    group: list[Recording] = []
    for before, after in pairwise([*timed, None]):
        if before is not None:
            group.append(before[2])
        if before and after and before[0] == after[0] and _follows(before[2], after[2]):
            continue
        if len(group) > 1:
            yield group
        group = []


def _follows(before: Recording, after: Recording) -> bool | None:
    """Whether by its clock one begins where the other ends; None where a clock says nothing."""
    start, next_start = _start(before), _start(after)
    if start is None or next_start is None or start == next_start:
        return None
    gap = (next_start - start).total_seconds() - (before.duration_seconds or 0.0)
    return abs(gap) <= _CLOCK_SLACK


def _start(recording: Recording) -> datetime | None:
    told = told_by(recording)
    return told.started_at if told else None


def _settings(recording: Recording) -> tuple[Any, ...]:
    """What one camera does not change in the middle of a recording."""
    source, told = (recording.report or {}).get("source", {}), told_by(recording)
    return (recording.camera, told and told.serial, *(source.get(name) for name in _SAME))
