"""How uploads are found and counted."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Select,
    Uuid,
    and_,
    column,
    func,
    or_,
    select,
    table,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.accounts.models import Organisation
from app.uploads.models import KeptBytes, Upload, UploadBlock

log = logging.getLogger(__name__)

OPEN_STATES = ("created", "receiving")

# Recordings lie above: read by the table's name.
_RECORDINGS = table("recordings", column("id", Uuid()), column("organisation_id", Uuid()), column("sha256"))
_LIVE = text("recordings.state IN ('processing', 'ready', 'quarantined')")
_QUARANTINED = text("recordings.state = 'quarantined'")
# Literal, so that the partial index serves.
_UNFINISHED = text("uploads.state IN ('created', 'receiving', 'received')")
# What the kept sum is to be: finished uploads, and what was joined, which came of no upload.
_COUNTED = text(
    """
    SELECT coalesce(sum(bytes), 0) FROM (
        SELECT length AS bytes FROM uploads
        WHERE organisation_id = :owner AND state = 'recorded' AND joined_into IS NULL AND NOT EXISTS (
            SELECT FROM recordings WHERE recordings.id = uploads.id AND recordings.state = 'erased'
        )
        UNION ALL
        SELECT size FROM recordings WHERE organisation_id = :owner AND upload_id IS NULL AND state <> 'erased'
    ) AS kept
    """
)


def uploads_of(
    organisation_id: UUID | None, *, exercise_id: UUID | None = None, state: str | None = None
) -> Select[Upload]:
    """Files of one force, or of all when `organisation_id` is None. A part is no file."""
    query = select(Upload).where(Upload.kind != "partial")
    if organisation_id is not None:
        query = query.where(Upload.organisation_id == organisation_id)
    if exercise_id is not None:
        query = query.where(Upload.exercise_id == exercise_id)
    return query if state is None else query.where(Upload.state == state)


def lock_quota(session: Session, organisation_id: UUID) -> None:
    """Makes uploads of one organisation be created one after another, so that two cannot share the last bytes."""
    query = select(Organisation.id).where(Organisation.id == organisation_id)
    session.execute(query.with_for_update(key_share=True))


def bytes_held(session: Session, organisation_id: UUID) -> int:
    """Bytes that count against the quota: what unfinished uploads were promised or, where that is unknown, have; and
    what was kept, until it is erased. Parts count until the file that they are joined into does.

    In one statement: between two, an upload could finish and be counted twice, or not at all.
    """
    size = func.coalesce(Upload.length, Upload.offset)
    unfinished = select(func.coalesce(func.sum(size), 0)).where(
        Upload.organisation_id == organisation_id, _UNFINISHED, Upload.joined_into.is_(None)
    )
    kept = select(KeptBytes.bytes).where(KeptBytes.organisation_id == organisation_id)
    held = select(unfinished.scalar_subquery() + func.coalesce(kept.scalar_subquery(), 0))
    return int(session.scalar(held) or 0)


def note_kept(session: Session, organisation_id: UUID, more: int) -> None:
    """Counts bytes of an upload that is finished, or of a joined recording; or, negative, of one that is erased.

    It never falls below 0: a sum that is wrong must not keep footage from being erased. The recount mends it.
    """
    if more < 0 and (kept := _held_sum(session, organisation_id)) + more < 0:
        said = {"organisation": str(organisation_id), "kept": kept, "more": more}
        log.warning("fewer bytes were counted than are erased", extra=said)
    row = insert(KeptBytes).values(organisation_id=organisation_id, bytes=max(more, 0))
    held = func.greatest(KeptBytes.bytes + more, 0)
    session.execute(row.on_conflict_do_update(index_elements=["organisation_id"], set_={"bytes": held}))


def _held_sum(session: Session, organisation_id: UUID) -> int:
    """The kept sum of an organisation, held until the transaction ends."""
    query = select(KeptBytes.bytes).where(KeptBytes.organisation_id == organisation_id)
    return session.scalar(query.with_for_update()) or 0


def with_kept_bytes(session: Session) -> list[UUID]:
    """The organisations of which a sum is kept."""
    return list(session.scalars(select(KeptBytes.organisation_id).order_by(KeptBytes.organisation_id)))


def recount_kept(session: Session, organisation_id: UUID) -> int:
    """Counts anew what an organisation keeps; by how many bytes the sum was too low, 0 where it was right.

    The sum is held before anything is counted, in a statement of its own: whoever kept more by then is counted, whoever
    keeps more now waits and adds to what is written here.
    """
    kept = _held_sum(session, organisation_id)
    counted = int(session.scalar(_COUNTED, {"owner": organisation_id}) or 0)
    if counted != kept:
        own = update(KeptBytes).where(KeptBytes.organisation_id == organisation_id)
        session.execute(own.values(bytes=counted))
    return counted - kept


def _waiting() -> ColumnElement[bool]:
    """Uploads from which more is expected: bytes, or of a part that it be joined."""
    unused = and_(Upload.kind == "partial", Upload.state == "received", Upload.joined_into.is_(None))
    return or_(Upload.state.in_(OPEN_STATES), unused)


def expired(session: Session, at: datetime, limit: int = 500, *, via: str = "tus") -> list[UUID]:
    """Unfinished uploads and unused parts whose time is over."""
    query = select(Upload.id).where(Upload.via == via, _waiting(), Upload.expires_at <= at)
    return list(session.scalars(query.order_by(Upload.expires_at).limit(limit)))


def still_needed(session: Session, ids: Iterable[UUID]) -> set[UUID]:
    """Those of `ids` whose staged bytes are still to become a recording."""
    query = select(Upload.id).where(Upload.id.in_(list(ids)), Upload.state.in_((*OPEN_STATES, "received")))
    return set(session.scalars(query))


def waiting_in_store(session: Session, ids: Iterable[UUID]) -> dict[UUID, str | None]:
    """Those of `ids` whose bytes in the store are still to become a recording, with their multipart upload's id."""
    query = select(Upload.id, Upload.multipart_id).where(
        Upload.id.in_(list(ids)), Upload.via == "direct", Upload.state.in_((*OPEN_STATES, "received"))
    )
    return {row.id: row.multipart_id for row in session.execute(query)}


def keep_digests(session: Session, upload_id: UUID, digests: Mapping[int, bytes]) -> None:
    """Writes the digests of parts, by ordinal; a part that is sent anew may have another."""
    rows = [
        {"upload_id": upload_id, "ordinal": ordinal, "sha256": sha256} for ordinal, sha256 in digests.items()
    ]
    written = insert(UploadBlock).values(rows)
    session.execute(
        written.on_conflict_do_update(
            index_elements=["upload_id", "ordinal"], set_={"sha256": written.excluded.sha256}
        )
    )


def live_recordings(organisation_id: UUID, sha256: bytes) -> Select[UUID]:
    """The ids of the force's own live recordings of these bytes. One at most is in use, and comes first; others are in
    quarantine. What other forces hold is not looked at."""
    own, same = _RECORDINGS.c.organisation_id == organisation_id, _RECORDINGS.c.sha256 == sha256
    return select(_RECORDINGS.c.id).where(own, same, _LIVE).order_by(_QUARANTINED, _RECORDINGS.c.id)


def lengths_under_way(session: Session, organisation_id: UUID, lengths: Collection[int]) -> set[int]:
    """Those of the lengths that files have which the force has not sent to their end, or which are looked at now."""
    own, whole = Upload.organisation_id == organisation_id, Upload.kind != "partial"
    query = select(Upload.length).where(own, whole, Upload.state.in_((*OPEN_STATES, "received")))
    return set(session.scalars(query.where(Upload.length.in_(list(lengths)))))


def block_digests(session: Session, upload_id: UUID) -> dict[int, bytes]:
    """SHA-256 of each block, by its ordinal."""
    query = select(UploadBlock.ordinal, UploadBlock.sha256).where(UploadBlock.upload_id == upload_id)
    return {row.ordinal: row.sha256 for row in session.execute(query)}


def lock_all(session: Session, ids: Sequence[UUID]) -> dict[UUID, Upload]:
    """Rows by id, taken for this transaction, in one order always: two of these cannot wait for each other."""
    query = select(Upload).where(Upload.id.in_(ids)).order_by(Upload.id)
    locked = query.with_for_update(of=Upload).execution_options(populate_existing=True)
    return {row.id: row for row in session.scalars(locked)}


def parts_of(session: Session, final_id: UUID) -> list[Upload]:
    """What was joined into a final upload, in its order."""
    query = select(Upload).where(Upload.joined_into == final_id).order_by(Upload.place)
    return list(session.scalars(query))


def end_parts(session: Session, final_id: UUID, at: datetime) -> list[UUID]:
    """Marks the parts of a final upload as done with; returns them, whose bytes may go."""
    done = update(Upload).where(Upload.joined_into == final_id).values(state="joined", updated_at=at)
    return list(session.scalars(done.returning(Upload.id)))
