"""Uploads: what routes, jobs and higher features call."""

from app.uploads.queries import note_kept
from app.uploads.service.checksums import CHECKSUMS, Checksum
from app.uploads.service.completion import complete
from app.uploads.service.creation import (
    Declared,
    create_upload,
    lengths_under_way,
    quota_left,
    require_room,
)
from app.uploads.service.direct import DirectUploads, get_direct
from app.uploads.service.forgetting import forget
from app.uploads.service.joining import join_uploads
from app.uploads.service.lifecycle import (
    declare_digest,
    find,
    get_upload,
    list_uploads,
    mark_recorded,
    reject,
)
from app.uploads.service.received import Received
from app.uploads.service.receiving import Receiver
from app.uploads.service.reception import Source
from app.uploads.service.screening import screens_of, state_of_screens
from app.uploads.service.staging import Staging
from app.uploads.service.sweeping import recount, sweep

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
    "forget",
    "get_direct",
    "get_upload",
    "join_uploads",
    "lengths_under_way",
    "list_uploads",
    "mark_recorded",
    "note_kept",
    "quota_left",
    "recount",
    "reject",
    "require_room",
    "screens_of",
    "state_of_screens",
    "sweep",
]
