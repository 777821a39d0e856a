"""Recordings: what routes, jobs and higher features call."""

from app.recordings.service.history import custody
from app.recordings.service.jobdirs import job_directory, remove_abandoned
from app.recordings.service.lifecycle import (
    Overview,
    cancel,
    get_overview,
    list_clips,
    list_recordings,
    progress,
    withdraw,
)
from app.recordings.service.normalising import (
    Attempt,
    begin_attempt,
    commit_outputs,
    fetch_original,
    reject_attempt,
    store_outputs,
)
from app.recordings.service.registering import register
from app.recordings.service.sweeping import fail_abandoned, remove_strays
from app.recordings.service.viewing import (
    VIEWABLE,
    key_of,
    open_clip,
    open_rendition,
    record_view,
    require_viewable,
)

__all__ = [
    "VIEWABLE",
    "Attempt",
    "Overview",
    "begin_attempt",
    "cancel",
    "commit_outputs",
    "custody",
    "fail_abandoned",
    "fetch_original",
    "get_overview",
    "job_directory",
    "key_of",
    "list_clips",
    "list_recordings",
    "open_clip",
    "open_rendition",
    "progress",
    "record_view",
    "register",
    "reject_attempt",
    "remove_abandoned",
    "remove_strays",
    "require_viewable",
    "store_outputs",
    "withdraw",
]
