"""Parts become one file: what may be joined, and the joining itself, which a worker does."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.orm import Session

from app.audit.events import Tag
from app.authz.permissions import Permission
from app.authz.predicates import require
from app.core.errors import Hidden, NotFound
from app.core.identity import Identity
from app.settings import Settings
from app.uploads import queries
from app.uploads.models import Upload
from app.uploads.service.creation import Declared, finish, new_row, note
from app.uploads.service.errors import PartsUnfinished, PartUnusable, UploadTooLarge
from app.uploads.service.lifecycle import require_present

MOST_PARTS = 64  # whose addresses fit into one header of 8,190 bytes, which is as long as gunicorn takes one


def join_uploads(
    session: Session,
    identity: Identity,
    settings: Settings,
    *,
    parts: Sequence[UUID],
    declared: Declared,
    said: str,
) -> Upload:
    """Makes one file of received parts of one exercise, in this order; each can be used once.

    Asked again for the same parts in the same order it returns the same file: the first answer may not have arrived.
    The parts' bytes count as the file's from now on. `said` is the client's own list of addresses, told back to it.
    Raises NotFound for a part that is not there or of another force, UploadGone, PartUnusable, PartsUnfinished,
    UploadTooLarge.
    """
    require(identity, Permission.UPLOAD_WRITE)
    if not 0 < len(parts) <= MOST_PARTS or len(set(parts)) != len(parts):
        raise PartUnusable(f"Name one to {MOST_PARTS} parts, each of them once")
    rows = queries.lock_all(session, parts)
    ordered = [_own(rows.get(part), identity) for part in parts]
    if (made := _made_before(session, ordered)) is not None:
        _require_same(made, declared)
        return made
    for part in ordered:
        _check_part(part, declared.exercise_id)
    final = new_row(identity, settings, ordered[0].organisation_id, declared)
    final.kind, final.length = "final", sum(part.offset for part in ordered)
    final.offset, final.details = final.length, final.details | {"concat": said}
    if final.length > settings.upload_max_bytes:
        raise UploadTooLarge(f"One upload holds at most {settings.upload_max_bytes} bytes")
    session.add(final)
    session.flush()
    for place, part in enumerate(ordered):
        part.joined_into, part.place = final.id, place
    details = {"filename": final.filename, "length": final.length, "parts": [str(part) for part in parts]}
    note(session, identity, Tag.UPLOAD_CREATE, final, details)
    finish(session, identity, final)
    session.flush()
    return final


def _own(part: Upload | None, identity: Identity) -> Upload:
    if part is None:
        raise NotFound("One of the parts does not exist")
    if part.organisation_id != identity.organisation_id:
        raise Hidden("One of the parts does not exist")
    return part


def _made_before(session: Session, parts: Sequence[Upload]) -> Upload | None:
    """The file that was made of exactly these parts."""
    made = parts[0].joined_into
    if made is None or [part.id for part in queries.parts_of(session, made)] != [part.id for part in parts]:
        return None
    return session.get(Upload, made)


def _require_same(made: Upload, declared: Declared) -> None:
    """Raises PartUnusable where the file that was made before is not what is asked for now, or was refused."""
    if made.state == "rejected":
        raise PartUnusable(f"They were joined before and refused: {made.reason}")
    if declared.sha256 is not None and declared.sha256 != made.declared_sha256:
        raise PartUnusable("They were joined before, with another SHA-256 declared")


def _check_part(part: Upload, exercise_id: UUID) -> None:
    require_present(part)
    if part.kind != "partial":
        raise PartUnusable(f"{part.id} was not opened as a part (Upload-Concat: partial)")
    if part.exercise_id != exercise_id:
        raise PartUnusable("Parts and the whole belong to one exercise")
    if part.joined_into is not None:
        raise PartUnusable(f"{part.id} has been joined already")
    if part.state != "received":
        raise PartsUnfinished(f"{part.id} goes on at {part.offset}")
