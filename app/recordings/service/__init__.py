"""Recordings: what routes, jobs and higher features call."""

from app.recordings.service.checking import Checked, check_files
from app.recordings.service.describing import (
    change_details,
    change_many,
    describable,
    details_of,
    get_many,
    suggested_by,
    suggestion_of,
)
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
    get_overview,
    list_clips,
    list_recordings,
    made_of,
    refuse,
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
from app.recordings.service.registering import register
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
    "Checked",
    "Duplicates",
    "IngestProgress",
    "KeptSteps",
    "NearDuplicate",
    "Overview",
    "begin_attempt",
    "cancel",
    "change_details",
    "change_many",
    "check_files",
    "commit_outputs",
    "compare_again",
    "custody",
    "describable",
    "details_of",
    "fail_abandoned",
    "find_duplicates",
    "get_many",
    "get_overview",
    "hold_original",
    "is_open",
    "job_directory",
    "key_of",
    "list_clips",
    "list_recordings",
    "made_of",
    "near_duplicates",
    "note_done",
    "open_clip",
    "open_rendition",
    "open_steps",
    "processing_of",
    "progress",
    "record_view",
    "refuse",
    "register",
    "remove_abandoned",
    "remove_idle",
    "remove_strays",
    "replan_if_stale",
    "require_viewable",
    "store_fingerprints",
    "store_outputs",
    "suggested_by",
    "suggestion_of",
    "withdraw",
]
