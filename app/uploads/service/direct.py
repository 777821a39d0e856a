"""Files that go straight into the store: opened here, sent there part by part, closed and verified here.

The service hands out addresses, each of which opens one part of one object for five minutes, and sees no byte until
the job reads the whole. The digests that the client declares for its parts are signed into the addresses, so the
store refuses other bytes, and are kept as `UploadBlock`s, against which the job hashes again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final
from uuid import UUID

from sqlalchemy.orm import Session

from app.core.clock import now
from app.core.db import Database
from app.core.errors import InvalidRequest
from app.core.identity import Identity
from app.core.pagination import Page
from app.settings import Settings
from app.storage.base import BlobNotFound, BlobStore
from app.storage.incoming import MAX_LENGTH, PART_SIZE, PartAddress, PartsDiffer, StoredPart
from app.uploads import queries
from app.uploads.models import Upload
from app.uploads.service import lifecycle
from app.uploads.service.creation import Declared, create_upload, expiry, finish
from app.uploads.service.errors import (
    AlreadyReceived,
    DirectUnavailable,
    PartsMissing,
    StagingLost,
    UploadTooLarge,
    WrongWay,
)
from app.uploads.service.parts import NAMED_AT_MOST, as_declared, check_numbers, named, number_after

if TYPE_CHECKING:
    from app.storage.multipart import IncomingObjects

COUNTED_EVERY: Final = timedelta(
    seconds=5
)  # what the store holds is counted for people, and costs it a listing


def get_direct(session: Session, identity: Identity, upload_id: UUID) -> Upload:
    """One upload of the actor's own force that goes straight to the store, or went. Raises NotFound, WrongWay."""
    upload = lifecycle.get_upload(session, identity, upload_id)
    if upload.via != "direct":
        raise WrongWay
    return upload


@dataclass(frozen=True, slots=True)
class DirectUploads:
    """What uploads straight to the store need of the running service. Methods raise NotFound, WrongWay, UploadGone."""

    db: Database
    settings: Settings
    store: BlobStore

    def _incoming(self) -> IncomingObjects:
        incoming = self.store.incoming
        if incoming is None or not incoming.reachable:
            raise DirectUnavailable
        return incoming

    def create(self, session: Session, identity: Identity, *, length: int, declared: Declared) -> Upload:
        """Opens an upload of `length` bytes. Raises DirectUnavailable and what `create_upload` raises."""
        self._incoming()  # where there is none, nothing is opened
        if length > MAX_LENGTH:
            raise UploadTooLarge(f"10,000 parts hold at most {MAX_LENGTH} bytes")
        return create_upload(
            session, identity, self.settings, length=length, declared=declared, part_size=PART_SIZE
        )

    def addresses(
        self, identity: Identity, upload_id: UUID, digests: Mapping[int, bytes]
    ) -> list[PartAddress]:
        """Addresses for parts, by their numbers (from 1) and the SHA-256 that each will have.

        The digests are kept. Raises InvalidRequest for a part that the file does not have, AlreadyReceived.
        """
        with self.db.transaction() as session:
            upload = self._unfinished(session, identity, upload_id)
        incoming = self._incoming()
        check_numbers(upload, digests)
        begun, counted = upload.multipart_id or incoming.begin(upload.incoming_key), None
        if upload.multipart_id is None or now() - upload.updated_at >= COUNTED_EVERY:
            counted = self._stored_bytes(upload, begun)
        with self.db.transaction() as session:  # only now: the store may take long to answer
            upload = self._unfinished(session, identity, upload_id, lock=True)
            multipart_id = upload.multipart_id or begun
            if counted is not None:
                upload.offset, upload.updated_at = counted, now()
            queries.keep_digests(session, upload.id, {number - 1: d for number, d in digests.items()})
            upload.multipart_id, upload.state = multipart_id, "receiving"
            upload.expires_at = expiry(self.settings)
        if multipart_id != begun:  # another request began it meanwhile
            incoming.abort(upload.incoming_key, begun)
        return [
            incoming.address(upload.incoming_key, multipart_id, number, upload.part_length(number), digest)
            for number, digest in sorted(digests.items())
        ]

    def parts(
        self, identity: Identity, upload_id: UUID, *, cursor: str | None = None, limit: int = 50
    ) -> Page[StoredPart]:
        """The parts that the store holds, in order, with the digests declared for them."""
        after = number_after(cursor)
        with self.db.transaction() as session:
            upload = self._unfinished(session, identity, upload_id)
            digests = queries.block_digests(session, upload_id)
        if upload.multipart_id is None:
            return Page([], None)
        try:
            found = self._incoming().parts(upload.incoming_key, upload.multipart_id, after, limit)
        except BlobNotFound:  # joined, but whoever asked for it heard no answer
            numbers = range(after + 1, min(after + limit, upload.part_count) + 1)
            found = [StoredPart(number, upload.part_length(number), "", None) for number in numbers]
        found = [replace(part, sha256=digests.get(part.number - 1)) for part in found]
        return Page(found, str(found[-1].number) if len(found) == limit else None)

    def complete(self, identity: Identity, upload_id: UUID, sha256: bytes) -> Upload:
        """Joins the parts, declares the whole's digest and hands the upload to its job; safe to repeat.

        Raises PartsMissing, StagingLost; InvalidRequest when another digest was declared before.
        """
        with self.db.transaction() as session:
            upload = lifecycle.get_upload(session, identity, upload_id)
            lifecycle.require_present(upload, "direct")
            digests = queries.block_digests(session, upload_id)
        if upload.declared_sha256 not in (None, sha256):
            raise InvalidRequest("Another SHA-256 was declared before: start a new upload")
        if upload.state in queries.OPEN_STATES:
            self._join(identity, upload, digests)
        with self.db.transaction() as session:
            upload = lifecycle.get_upload(session, identity, upload_id, lock=True)
            lifecycle.require_present(upload, "direct")
            if upload.state in queries.OPEN_STATES:
                upload.declared_sha256, upload.offset = sha256, upload.size
                finish(session, identity, upload)
        return upload

    def terminate(self, identity: Identity, upload_id: UUID) -> None:
        """Ends an unfinished upload and removes what the store holds of it. Raises AlreadyReceived."""
        with self.db.transaction() as session:
            lifecycle.require_present(lifecycle.get_upload(session, identity, upload_id), "direct")
            incoming = self._incoming()
            lifecycle.terminate(session, identity, upload_id)
            upload = lifecycle.get_upload(session, identity, upload_id)
        incoming.remove(upload.incoming_key)

    def _unfinished(
        self, session: Session, identity: Identity, upload_id: UUID, *, lock: bool = False
    ) -> Upload:
        upload = lifecycle.get_upload(session, identity, upload_id, lock=lock)
        lifecycle.require_present(upload, "direct")
        if upload.state not in queries.OPEN_STATES:
            raise AlreadyReceived
        return upload

    def _stored_bytes(self, upload: Upload, multipart_id: str) -> int:
        try:
            parts = self._incoming().all_parts(upload.incoming_key, multipart_id)
            return min(sum(part.length for part in parts), upload.size)
        except BlobNotFound:
            raise AlreadyReceived("Every part was joined: complete the upload") from None

    def _join(self, identity: Identity, upload: Upload, digests: Mapping[int, bytes]) -> None:
        if upload.multipart_id is None:
            raise PartsMissing(named(range(1, upload.part_count + 1)))
        try:
            stored = {
                p.number: p for p in self._incoming().all_parts(upload.incoming_key, upload.multipart_id)
            }
            parts = [as_declared(upload, n, stored.get(n), digests) for n in range(1, upload.part_count + 1)]
            if missing := [number for number, part in enumerate(parts, 1) if part is None]:
                raise PartsMissing(named(missing), missing=missing[:NAMED_AT_MOST])
            self._incoming().complete(upload.incoming_key, upload.multipart_id, [p for p in parts if p])
        except PartsDiffer:
            raise PartsMissing("A part is not the one that was declared: send the parts again") from None
        except BlobNotFound:
            self._require_joined(identity, upload)

    def _require_joined(self, identity: Identity, upload: Upload) -> None:
        """After the multipart upload has ended: it was joined by an earlier request, or it is lost."""
        if self.store.exists(upload.incoming_key) and self.store.size(upload.incoming_key) == upload.length:
            return
        with self.db.transaction() as session:
            found = lifecycle.get_upload(session, identity, upload.id, lock=True)
            if found.state in queries.OPEN_STATES:
                lifecycle.reject(session, found, "staging_lost", StagingLost.title)
        raise StagingLost
