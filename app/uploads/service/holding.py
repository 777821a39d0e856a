"""Holding an upload: the file's lock on this machine and, beside it, the writer's lease in the database.

The lock is what ends with a process, however that ended; the lease is what other machines see.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from uuid import UUID, uuid4

from sqlalchemy.exc import SQLAlchemyError

from app.core.db import Database
from app.uploads.service import leases
from app.uploads.service.errors import UploadLocked
from app.uploads.service.staging import (
    PATIENCE_SECONDS,
    STALE_SECONDS,
    WRITER_PATIENCE_SECONDS,
    StagedFile,
    Staging,
)

log = logging.getLogger(__name__)
_POLL_SECONDS = 0.1


class Writing:
    """One request's hold on one upload, for as long as it writes."""

    def __init__(self, db: Database, upload_id: UUID, file: StagedFile) -> None:
        self._db = db
        self._upload_id = upload_id
        self.file = file
        self.writer = uuid4()
        self._next_beat = time.monotonic() + leases.BEAT_SECONDS

    def must_let_go(self) -> bool:
        """True when another request waits for this upload, or has it already; gives a sign of life now and then."""
        if self.file.release_requested():
            return True
        if time.monotonic() < self._next_beat:
            return False
        with self._db.transaction() as session:
            wanted = leases.beat(session, self._upload_id, self.writer)
        self._next_beat = time.monotonic() + leases.BEAT_SECONDS
        return wanted


@dataclass(frozen=True, slots=True)
class Holds:
    """How uploads are held by processes of one machine."""

    db: Database
    staging: Staging
    machine: str = field(default_factory=leases.this_machine)

    @contextmanager
    def writing(self, upload_id: UUID) -> Iterator[Writing]:
        """For a request that writes. A writer that has stalled must let go. Raises UploadLocked."""
        with self.staging.hold(upload_id, insist=False, ask=lambda: self._ask(upload_id)) as file:
            writing = Writing(self.db, upload_id, file)
            self._take(writing, upload_id)
            try:
                yield writing
            finally:
                self._give_back(writing, upload_id)

    @contextmanager
    def quiet(self, upload_id: UUID) -> Iterator[None]:
        """While nobody writes, whoever it was made to let go. Raises UploadLocked."""
        with self.staging.hold(upload_id, insist=True, ask=lambda: self._ask(upload_id)):
            deadline = time.monotonic() + PATIENCE_SECONDS
            while self._held_elsewhere(upload_id):
                self._wait(upload_id, deadline, ask=True)
            yield

    def _take(self, writing: Writing, upload_id: UUID) -> None:
        deadline = time.monotonic() + WRITER_PATIENCE_SECONDS
        while True:
            with self.db.transaction() as session:
                if leases.take(session, upload_id, writing.writer, self.machine):
                    return
            self._wait(upload_id, deadline, ask=self.staging.idle_seconds(upload_id) > STALE_SECONDS)

    def _wait(self, upload_id: UUID, deadline: float, *, ask: bool) -> None:
        if time.monotonic() > deadline:
            raise UploadLocked
        if ask:
            self._ask(upload_id)
        time.sleep(_POLL_SECONDS)

    def _ask(self, upload_id: UUID) -> None:
        with self.db.transaction() as session:
            leases.ask(session, upload_id)

    def _held_elsewhere(self, upload_id: UUID) -> bool:
        with self.db.transaction() as session:
            return leases.held_elsewhere(session, upload_id, self.machine)

    def _give_back(self, writing: Writing, upload_id: UUID) -> None:
        """A lease that cannot be given back ends by itself: what happened before is what counts."""
        try:
            with self.db.transaction() as session:
                leases.give_back(session, upload_id, writing.writer)
        except SQLAlchemyError:
            log.warning("a lease was left to end by itself", extra={"upload_id": str(upload_id)})
