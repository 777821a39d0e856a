"""How frame hashes are stored, and found by an index: never one by one.

A hash is cut into 16 bands of 16 bits. Two hashes that differ in at most 31 bits agree in some band but for one bit at
most, so the 17 values that lie within one bit of a band, for each of the 16, find every near one: multi-index hashing
(Norouzi, Punjani, Fleet: "Fast Exact Search in Hamming Space with Multi-Index Hashing", 2014). What shares a band by
chance is sorted out by counting the bits. One GIN index holds all bands, each under its number; one condition a band
rather than one for all makes PostgreSQL unite 16 short scans, which took half the time (docs/fingerprints.md).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ARRAY, Integer, Select, bindparam, delete, func, insert, or_, select, text
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from app.recordings.models import Duplicate, Fingerprint, FrameHash, Hash256, Recording
from ingest.fingerprint import FrameHash as Hashed
from ingest.vpdq_match import MOST_BITS, comparable

BANDS = 16
_WIDTH = 16
_WITHIN_ONE_BIT = (0, *(1 << bit for bit in range(_WIDTH)))


def bands_of(digest: bytes) -> list[int]:
    """The 16 bands of a hash of 32 bytes, each with its number above its 16 bits, so that all fit one index."""
    return [(band << _WIDTH) | int.from_bytes(digest[2 * band : 2 * band + 2]) for band in range(BANDS)]


def _near_query() -> Select[UUID, int]:
    """How many frames of each recording, but `own`, are within MOST_BITS of `digest`; `band0`… are what to probe."""
    probes = (
        FrameHash.bands.overlap(bindparam(f"band{band}", type_=ARRAY(Integer))) for band in range(BANDS)
    )
    differing = FrameHash.hash.op("#")(bindparam("digest", type_=Hash256))
    return (
        select(FrameHash.recording_id, func.count())
        .where(
            or_(*probes),
            func.bit_count(differing) <= MOST_BITS,
            FrameHash.recording_id != bindparam("own"),
        )
        .group_by(FrameHash.recording_id)
    )


_NEAR = _near_query()


def near(session: Session, digest: bytes, own: UUID) -> dict[UUID, int]:
    """The recordings, but `own`, that have a frame within MOST_BITS of the hash, and how many such frames."""
    probes = {
        f"band{band}": [value ^ flip for flip in _WITHIN_ONE_BIT]
        for band, value in enumerate(bands_of(digest))
    }
    return dict(session.execute(_NEAR, {"digest": digest, "own": own, **probes}).all())


def recordings_near(
    session: Session, digests: Sequence[bytes], own: UUID, check: Callable[[], None]
) -> Counter[UUID]:
    """The recordings, but `own`, that share frames with these hashes, by how many pairs; `check` may end it.

    Turns off reading whole tables for the rest of the transaction: the planner knows little of overlapping arrays.
    """
    session.execute(text("SET LOCAL enable_seqscan = off"))
    found: Counter[UUID] = Counter()
    for digest in digests:
        check()
        found.update(near(session, digest, own))
    return found


def replace_hashes(session: Session, recording_id: UUID, hashes: Sequence[Hashed]) -> int:
    """Stores the hashes of a recording instead of what it had and of what was found by that; returns how many count."""
    of_it = (Duplicate.first_id == recording_id) | (Duplicate.second_id == recording_id)
    session.execute(delete(Duplicate).where(of_it))
    session.execute(delete(FrameHash).where(FrameHash.recording_id == recording_id))
    counting = {one.ordinal for one in comparable(hashes)}
    rows = [
        {
            "recording_id": recording_id,
            "ordinal": one.ordinal,
            "pts": one.pts,
            "hash": one.hash,
            "quality": one.quality,
            "bands": bands_of(one.hash) if one.ordinal in counting else None,
        }
        for one in hashes
    ]
    if rows:
        session.execute(insert(FrameHash), rows)
    return len(counting)


def hashes_of(session: Session, recording: Recording) -> list[Hashed]:
    """What was stored of a recording, in order; seconds are from its first hashed frame, what is indexed counts."""
    rows = session.execute(
        select(
            FrameHash.ordinal,
            FrameHash.pts,
            FrameHash.hash,
            FrameHash.quality,
            FrameHash.bands.is_not(None),
        )
        .where(FrameHash.recording_id == recording.id)
        .order_by(FrameHash.ordinal)
    ).all()
    tick = (recording.time_base_num or 1) / (recording.time_base_den or 1)
    return [
        Hashed(
            hash=digest,
            quality=quality,
            seconds=(pts - rows[0].pts) * tick,
            ordinal=ordinal,
            pts=pts,
            counts=counts,
        )
        for ordinal, pts, digest, quality, counts in rows
    ]


def same_bytes(session: Session, recording: Recording, md5: bytes) -> list[UUID]:
    """Other recordings, of any force, whose original has the same SHA-256, or the same MD5 and size."""
    query = (
        select(Recording.id)
        .outerjoin(Fingerprint, Fingerprint.recording_id == Recording.id)
        .where(
            or_(
                Recording.sha256 == recording.sha256,
                (Fingerprint.md5 == md5) & (Recording.size == recording.size),
            ),
            Recording.id != recording.id,
            Recording.state.in_(("ready", "withdrawn")),
        )
    )
    return list(session.scalars(query.order_by(Recording.id)))


def keep_duplicates(session: Session, rows: Sequence[dict[str, object]]) -> None:
    """Keeps these pairs beside what was found from the other side. The other's job may be writing the same pair now:
    the rows come in one order, and who is later overwrites."""
    for row in rows:
        statement = upsert(Duplicate).values(row)
        session.execute(statement.on_conflict_do_update(index_elements=["first_id", "second_id"], set_=row))


def uncompared(session: Session, before: datetime, *, limit: int) -> list[UUID]:
    """Ready recordings that were hashed before that time and are still not compared, oldest first."""
    query = (
        select(Fingerprint.recording_id)
        .join(Recording, Recording.id == Fingerprint.recording_id)
        .where(Fingerprint.compared_at.is_(None), Fingerprint.created_at < before, Recording.state == "ready")
    )
    return list(session.scalars(query.order_by(Fingerprint.recording_id).limit(limit)))


def duplicates_of(session: Session, recording_id: UUID, organisation_id: UUID | None) -> list[Duplicate]:
    """Pairs of a recording, those that share most first; only with recordings of that organisation, unless None.

    That a joined recording holds its parts is no news: neither is told of the other, and others are told of the joined
    one alone.
    """
    other = Recording.id == func.coalesce(
        func.nullif(Duplicate.first_id, recording_id), func.nullif(Duplicate.second_id, recording_id)
    )
    query = (
        select(Duplicate)
        .join(Recording, other)
        .where((Duplicate.first_id == recording_id) | (Duplicate.second_id == recording_id))
        .where(Recording.part_of_id.is_(None))
    )
    whole = session.scalar(select(Recording.part_of_id).where(Recording.id == recording_id))
    if whole is not None:
        query = query.where(Recording.id != whole)
    if organisation_id is not None:
        query = query.where(Recording.organisation_id == organisation_id)
    else:
        query = query.where(Recording.state != "quarantined")
    shared = Duplicate.first_share + Duplicate.second_share
    return list(session.scalars(query.order_by(Duplicate.kind, shared.desc(), Recording.id)))


def exercise_pairs(session: Session, exercise_ids: Collection[UUID]) -> set[tuple[UUID, UUID]]:
    """Which of these exercises share footage, each pair once, the smaller id first."""
    first, second = (
        select(Recording.id, Recording.exercise_id).where(Recording.exercise_id.in_(exercise_ids)).subquery()
        for _ in range(2)
    )
    rows = session.execute(
        select(first.c.exercise_id, second.c.exercise_id)
        .select_from(Duplicate)
        .join(first, first.c.id == Duplicate.first_id)
        .join(second, second.c.id == Duplicate.second_id)
        .where(first.c.exercise_id != second.c.exercise_id)
        .distinct()
    )
    return {(min(pair), max(pair)) for pair in rows}
