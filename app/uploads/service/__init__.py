"""Uploads: what routes, jobs and higher features call."""

from app.uploads.service.completion import complete, sweep
from app.uploads.service.direct import DirectUploads, get_direct
from app.uploads.service.lifecycle import (
    Declared,
    create_upload,
    declare_digest,
    find,
    get_upload,
    list_uploads,
    mark_recorded,
    quota_left,
    reject,
)
from app.uploads.service.received import Received
from app.uploads.service.receiving import CHECKSUMS, Checksum, Receiver, Source
from app.uploads.service.screening import screens_of, state_of_screens
from app.uploads.service.staging import Staging

__all__ = [
    "CHECKSUMS",
    "Checksum",
    "Declared",
    "DirectUploads",
    "Received",
    "Receiver",
    "Source",
    "Staging",
    "complete",
    "create_upload",
    "declare_digest",
    "find",
    "get_direct",
    "get_upload",
    "list_uploads",
    "mark_recorded",
    "quota_left",
    "reject",
    "screens_of",
    "state_of_screens",
    "sweep",
]
