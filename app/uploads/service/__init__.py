"""Uploads: what routes, jobs and higher features call."""

from app.uploads.service.completion import complete, sweep
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
from app.uploads.service.receiving import CHECKSUMS, Checksum, Receiver, Source
from app.uploads.service.staging import Staging

__all__ = [
    "CHECKSUMS",
    "Checksum",
    "Declared",
    "Receiver",
    "Source",
    "Staging",
    "complete",
    "create_upload",
    "declare_digest",
    "find",
    "get_upload",
    "list_uploads",
    "mark_recorded",
    "quota_left",
    "reject",
    "sweep",
]
