"""Copies of a recording at a constant frame rate, each with the map of which frame of the ledger each of its frames is.

A copy is footage: it is shown to whom the small working copy is shown, and to nobody else.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from app.audit.events import Tag
from app.authz.permissions import Permission
from app.core.errors import InvalidRequest
from app.core.identity import SYSTEM, Identity
from app.recordings import queries
from app.recordings.models import Derivation, Rendition
from app.recordings.service.cutting import MakeOrder, require_whole
from app.recordings.service.deriving import GONE, ask, end, fail, still_open
from app.recordings.service.errors import AlreadyMade
from app.recordings.service.lifecycle import find, note
from app.recordings.service.viewing import COPY

LEAST_RATE, MOST_RATE = 1, 120
MAP_TYPE = "application/vnd.apache.parquet"


@dataclass(frozen=True, slots=True)
class StoredCopy:
    """A file of a copy that lies in the vault by now; `name` ends its kind: "" or "-map"."""

    name: str
    blob_key: str
    media_type: str
    size: int
    sha256: bytes


def request_export(session: Session, identity: Identity, recording_id: UUID, *, rate: str) -> Derivation:
    """Has a copy at `rate` frames a second made ("25", "30000/1001").

    Raises Forbidden, NotFound, NotReady, AlreadyAsked, AlreadyMade, InvalidRequest for what is no rate.
    """
    recording = find(session, identity, recording_id, Permission.RECORDING_DERIVE, lock=True)
    require_whole(recording)
    wanted = rate_of(rate)
    if queries.rendition(session, recording.id, kind_of(wanted)) is not None:
        raise AlreadyMade(f"Its copy at {wanted} frames a second is the rendition {kind_of(wanted)}")
    return ask(session, identity, recording, "cfr", {"rate": str(wanted)})


def rate_of(text: str) -> Fraction:
    """Frames a second. Raises InvalidRequest."""
    try:
        rate = Fraction(text)
    except (ValueError, ZeroDivisionError):
        rate = Fraction(0)
    if not LEAST_RATE <= rate <= MOST_RATE or rate.denominator > 1001:
        raise InvalidRequest(
            f"rate: give frames a second from {LEAST_RATE} to {MOST_RATE}, as 25 or 30000/1001"
        )
    return rate


def kind_of(rate: Fraction) -> str:
    """The kind of rendition that a copy at this rate is: cfr-25, cfr-30000-1001."""
    return COPY + str(rate).replace("/", "-")


def commit_export(
    session: Session, order: MakeOrder, files: list[StoredCopy], made_by: dict[str, Any], *, job_id: int
) -> None:
    """Makes the copy and its map, stored by now, renditions of the recording. Raises Superseded."""
    row = still_open(session, order.derivation_id, job_id)
    recording = queries.locked(session, order.recording.id)
    if recording is None or recording.state != "ready":
        fail(session, row, "gone", GONE)
        return
    kind = kind_of(Fraction(row.parameters["rate"]))
    session.add_all(
        Rendition(
            recording_id=recording.id,
            kind=kind + one.name,
            attempt=recording.attempt,
            blob_key=one.blob_key,
            media_type=one.media_type,
            size=one.size,
            sha256=one.sha256,
            made_by=made_by,
        )
        for one in files
    )
    end(session, row, {"kind": kind, "map": f"{kind}-map"})
    note(session, SYSTEM, Tag.RECORDING_EXPORTED, recording, {"kind": kind, "sha256": files[0].sha256.hex()})
