"""What an upload can be refused for."""

from __future__ import annotations

from typing import ClassVar

from app.core.errors import (
    Conflict,
    DomainError,
    Forbidden,
    InvalidRequest,
    NotFound,
    TooLarge,
    Unavailable,
)


class EmptyUpload(InvalidRequest):
    type: ClassVar[str] = "empty-upload"
    title: ClassVar[str] = "The file is empty: there is nothing to hand over"


class UploadTooLarge(TooLarge):
    type: ClassVar[str] = "upload-too-large"
    title: ClassVar[str] = "The file is larger than one upload may be"


class QuotaExceeded(TooLarge):
    type: ClassVar[str] = "quota-exceeded"
    title: ClassVar[str] = "Your organisation has no room left for this file: ask the operator"


class Duplicate(Conflict):
    type: ClassVar[str] = "duplicate"
    title: ClassVar[str] = "Your force has handed over the same file before"


class DirectUnavailable(Conflict):
    type: ClassVar[str] = "direct-unavailable"
    title: ClassVar[str] = "Files cannot go straight to the store here: upload with tus at /api/v1/uploads"


class WrongWay(Conflict):
    type: ClassVar[str] = "wrong-way"
    title: ClassVar[str] = "This upload was begun the other way: go on with that, or start a new one"


class PartsMissing(Conflict):
    type: ClassVar[str] = "parts-missing"
    title: ClassVar[str] = "The store lacks parts of this file: send them, then complete it again"


class ScreenUnavailable(Unavailable):
    type: ClassVar[str] = "screen-unavailable"
    title: ClassVar[str] = "The virus screen does not answer: the upload waits for it"


class BodyTooLong(TooLarge):
    type: ClassVar[str] = "body-too-long"
    title: ClassVar[str] = "More bytes were sent than the upload's length leaves room for"


class WrongOffset(Conflict):
    type: ClassVar[str] = "wrong-offset"
    title: ClassVar[str] = "The upload continues elsewhere: ask for its offset, then go on from there"


class UploadLocked(Conflict):
    type: ClassVar[str] = "upload-locked"
    title: ClassVar[str] = "Another request is writing to this upload: try again in a moment"


class UploadGone(NotFound):
    type: ClassVar[str] = "upload-gone"
    title: ClassVar[str] = "This upload has ended: start a new one"


class AlreadyReceived(Conflict):
    type: ClassVar[str] = "already-received"
    title: ClassVar[str] = "Every byte has been received: withdraw the recording instead"


class ChecksumMismatch(InvalidRequest):
    type: ClassVar[str] = "checksum-mismatch"
    title: ClassVar[str] = "The bytes do not match their checksum and were discarded: send them again"


class UploadStalled(DomainError):
    type: ClassVar[str] = "upload-stalled"
    title: ClassVar[str] = "No bytes came for too long: ask for the offset, then go on"


class ConnectionLost(DomainError):
    type: ClassVar[str] = "connection-lost"
    title: ClassVar[str] = "The connection ended before all bytes came"


class StagingLost(UploadGone):
    type: ClassVar[str] = "staging-lost"
    title: ClassVar[str] = "Bytes of this upload were lost on our side: start a new one"


class StagingFull(Unavailable):
    type: ClassVar[str] = "storage-full"
    title: ClassVar[str] = "There is no room on the server: try again later, nothing acknowledged is lost"


class LengthRefused(Conflict):
    type: ClassVar[str] = "length-refused"
    title: ClassVar[str] = "The upload's length is settled, or less than what was sent already"


class FinalUpload(Forbidden):
    type: ClassVar[str] = "final-upload"
    title: ClassVar[str] = "This upload is made of parts and takes no bytes of its own"


class PartUnusable(Conflict):
    type: ClassVar[str] = "part-unusable"
    title: ClassVar[str] = "These parts cannot be joined into one file"


class PartsUnfinished(Conflict):
    type: ClassVar[str] = "parts-unfinished"
    title: ClassVar[str] = "Not every part has been received: finish them, then join them"


class NoDigestOfParts(Conflict):
    type: ClassVar[str] = "no-digest-of-parts"
    title: ClassVar[str] = "This is a part: declare the digest of the whole when the parts are joined"


class TooManyAtOnce(Unavailable):
    type: ClassVar[str] = "too-many-at-once"
    title: ClassVar[str] = "As many uploads as this server takes at once are under way: go on in a moment"
