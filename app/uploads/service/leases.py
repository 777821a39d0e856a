"""Who writes to an upload, as the database knows it: what machines see that do not see each other's file locks.

A lease lives LEASE_SECONDS beyond its writer's last sign of life. Whoever else needs the upload asks for it in the
writer's row, and the writer looks there when it gives its sign of life.
"""

from __future__ import annotations

import socket
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.uploads.models import Upload, UploadWriter
from app.uploads.queries import OPEN_STATES
from app.uploads.service.errors import UploadLocked

LEASE_SECONDS: Final = 5.0
BEAT_SECONDS: Final = 0.7


@cache
def this_machine() -> str:
    """What processes that see each other's file locks have in common: the running kernel."""
    boot = Path("/proc/sys/kernel/random/boot_id")
    return boot.read_text().strip() if boot.exists() else socket.gethostname()


def take(session: Session, upload_id: UUID, writer: UUID, machine: str) -> bool:
    """Makes `writer` the one, unless a live one of another machine is. The caller holds the file's lock, so that one
    of this machine is dead."""
    values = {"writer": writer, "machine": machine, "seen_at": _clock(), "release_wanted": False}
    made = insert(UploadWriter).values(upload_id=upload_id, **values)
    free = or_(UploadWriter.machine == machine, _is_stale())
    taken = made.on_conflict_do_update(index_elements=["upload_id"], set_=values, where=free)
    return session.execute(taken.returning(UploadWriter.writer)).first() is not None


def beat(session: Session, upload_id: UUID, writer: UUID) -> bool:
    """A sign of life; True when the writer must let go: it is asked to, or is no longer the one."""
    session.execute(text("SET LOCAL synchronous_commit TO off"))  # a sign of life need not survive anything
    seen = update(UploadWriter).where(UploadWriter.upload_id == upload_id, UploadWriter.writer == writer)
    found = session.execute(seen.values(seen_at=_clock()).returning(UploadWriter.release_wanted)).first()
    return found is None or found.release_wanted


def give_back(session: Session, upload_id: UUID, writer: UUID) -> None:
    """The writer is done."""
    session.execute(
        delete(UploadWriter).where(UploadWriter.upload_id == upload_id, UploadWriter.writer == writer)
    )


def forget_dead(session: Session) -> None:
    """Removes what writers left that died after the last byte: nobody takes such an upload over. Of one that still
    receives, the lease stays, however old: its writer may be slow and alive."""
    ended = select(Upload.id).where(Upload.state.not_in(OPEN_STATES))
    session.execute(delete(UploadWriter).where(_is_stale(), UploadWriter.upload_id.in_(ended)))


def ask(session: Session, upload_id: UUID) -> None:
    """Asks whoever writes to let go."""
    session.execute(
        update(UploadWriter).where(UploadWriter.upload_id == upload_id).values(release_wanted=True)
    )


def held_elsewhere(session: Session, upload_id: UUID, machine: str) -> bool:
    """True while a writer of another machine lives."""
    found = select(UploadWriter.writer).where(
        UploadWriter.upload_id == upload_id, UploadWriter.machine != machine, ~_is_stale()
    )
    return session.scalar(found) is not None


def require_writer(session: Session, upload_id: UUID, writer: UUID) -> None:
    """Keeps the lease as it is for the rest of this transaction. Raises UploadLocked when it is another's by now."""
    mine = select(UploadWriter.writer).where(
        UploadWriter.upload_id == upload_id, UploadWriter.writer == writer
    )
    if session.scalar(mine.with_for_update(read=True)) is None:
        raise UploadLocked("Another request took this upload over")


def _clock() -> ColumnElement[object]:
    return func.clock_timestamp()


def _is_stale() -> ColumnElement[bool]:
    return UploadWriter.seen_at < func.clock_timestamp() - timedelta(seconds=LEASE_SECONDS)
