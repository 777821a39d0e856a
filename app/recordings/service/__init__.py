"""Recordings: what routes, jobs and higher features call."""

from app.recordings.service.fingerprinting import (
    Duplicates,
    NearDuplicate,
    find_duplicates,
    near_duplicates,
    store_fingerprints,
)
from app.recordings.service.history import custody
from app.recordings.service.jobdirs import job_directory, remove_abandoned
from app.recordings.service.keys import key_of
from app.recordings.service.lifecycle import (
    Overview,
    cancel,
    find,
    get_overview,
    list_clips,
    list_recordings,
    note,
    refuse,
    stop_work,
    withdraw,
)
from app.recordings.service.normalising import (
    Attempt,
    begin_attempt,
    commit_outputs,
    store_outputs,
)
from app.recordings.service.originals import hold_original, remove_idle
from app.recordings.service.progressing import IngestProgress, progress
from app.recordings.service.registering import received, register
from app.recordings.service.steps import (
    KeptSteps,
    is_open,
    note_done,
    open_steps,
    processing_of,
    replan_if_stale,
)
from app.recordings.service.sweeping import compare_again, fail_abandoned, remove_strays
from app.recordings.service.viewing import VIEWABLE, open_clip, open_rendition, record_view, require_viewable

__all__ = [
    "VIEWABLE",
    "Attempt",
    "Duplicates",
    "IngestProgress",
    "KeptSteps",
    "NearDuplicate",
    "Overview",
    "begin_attempt",
    "cancel",
    "commit_outputs",
    "compare_again",
    "custody",
    "fail_abandoned",
    "find",
    "find_duplicates",
    "get_overview",
    "hold_original",
    "is_open",
    "job_directory",
    "key_of",
    "list_clips",
    "list_recordings",
    "near_duplicates",
    "note",
    "note_done",
    "open_clip",
    "open_rendition",
    "open_steps",
    "processing_of",
    "progress",
    "received",
    "record_view",
    "refuse",
    "register",
    "remove_abandoned",
    "remove_idle",
    "remove_strays",
    "replan_if_stale",
    "require_viewable",
    "stop_work",
    "store_fingerprints",
    "store_outputs",
    "withdraw",
]
