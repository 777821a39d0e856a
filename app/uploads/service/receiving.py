"""Receiving an upload's bytes, so that no acknowledged byte is ever lost.

Bytes are written, hashed and made durable (fdatasync), and only then is the new offset committed: after each block
of 64 MiB, or a few where the disk is slower than the line, beside the arrival of the next, and at the end of the
request, however it ended. The database's offset is the truth; a file that is longer is cut to it. No transaction
stays open while bytes travel.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID

from app.core.db import Database
from app.core.errors import DomainError
from app.core.identity import Identity
from app.settings import Settings
from app.uploads import queries
from app.uploads.models import Upload
from app.uploads.service import lifecycle
from app.uploads.service.checksums import Checksum
from app.uploads.service.creation import check_room, settle_length
from app.uploads.service.errors import (
    FinalUpload,
    WrongOffset,
)
from app.uploads.service.holding import Holds
from app.uploads.service.reception import Reception, Source
from app.uploads.service.staging import Staging


@dataclass(frozen=True, slots=True)
class Receiver:
    """What receiving needs of the running service."""

    db: Database
    settings: Settings
    staging: Staging

    @property
    def holds(self) -> Holds:
        return Holds(self.db, self.staging)

    def receive(
        self,
        identity: Identity,
        upload_id: UUID,
        *,
        offset: int,
        length: int | None,
        source: Source,
        checksum: Checksum | None = None,
        total: int | None = None,
    ) -> Upload:
        """Appends the source's bytes (`length` of them where the client says it) at `offset`; returns the row.

        `total` is the whole's length, for an upload that was opened without one. With a checksum it is all or
        nothing; without, what arrived before an interruption is kept. Raises NotFound, UploadGone, FinalUpload,
        WrongOffset, LengthRefused, EmptyUpload, BodyTooLong, UploadTooLarge, QuotaExceeded, ChecksumMismatch,
        UploadLocked, UploadStalled, ConnectionLost, StagingFull, StagingLost.
        """
        upload = self._check(identity, upload_id, offset, length)
        if upload.state not in queries.OPEN_STATES:
            return upload
        with self.holds.writing(upload_id) as writing:
            upload = self._check(identity, upload_id, offset, length, total)
            if upload.state not in queries.OPEN_STATES:
                return upload
            return Reception(self.db, self.settings, identity, upload, writing, checksum).run(source, length)

    def receive_first(
        self,
        identity: Identity,
        upload_id: UUID,
        *,
        length: int | None,
        source: Source,
        checksum: Checksum | None = None,
    ) -> Upload:
        """The bytes that came with the creation. If they do not arrive, the upload ends: nobody has its address.

        Raises as `receive` does.
        """
        try:
            return self.receive(
                identity, upload_id, offset=0, length=length, source=source, checksum=checksum
            )
        except Exception:
            with suppress(DomainError):
                self.terminate(identity, upload_id)
            raise

    def _check(
        self, identity: Identity, upload_id: UUID, offset: int, length: int | None, total: int | None = None
    ) -> Upload:
        with self.db.transaction() as session:
            upload = lifecycle.get_upload(session, identity, upload_id, lock=total is not None)
            lifecycle.require_present(upload)
            if upload.kind == "final":
                raise FinalUpload
            if upload.offset != offset:
                raise WrongOffset(f"The upload goes on at {upload.offset}", offset=upload.offset)
            if total is not None:
                settle_length(session, self.settings, upload, total)
            check_room(session, self.settings, upload, offset + (length or 0))
        return upload

    def offset(self, identity: Identity, upload_id: UUID) -> Upload:
        """The row with an offset that holds: a request still writing is made to let go first. Raises UploadLocked."""
        with self.db.transaction() as session:
            upload = lifecycle.get_upload(session, identity, upload_id)
            lifecycle.require_present(upload)
        if upload.state not in queries.OPEN_STATES or not self.staging.path(upload_id).exists():
            return upload
        with self.holds.quiet(upload_id), self.db.transaction() as session:
            return lifecycle.get_upload(session, identity, upload_id)

    def terminate(self, identity: Identity, upload_id: UUID) -> None:
        """Ends an unfinished upload, making a request that still writes let go. Raises AlreadyReceived, UploadGone."""
        with self.db.transaction() as session:
            lifecycle.require_present(lifecycle.get_upload(session, identity, upload_id))
        with self.holds.quiet(upload_id), self.db.transaction() as session:
            lifecycle.terminate(session, identity, upload_id)
        self.staging.discard(upload_id)
