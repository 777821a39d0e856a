"""Recordings: what routes, jobs and higher features call."""

from app.recordings.service.again import process_again
from app.recordings.service.checking import Checked, check_files
from app.recordings.service.cutting import (
    MakeOrder,
    begin_making,
    commit_cut,
    plan_of,
    request_cut,
)
from app.recordings.service.deriving import (
    cancel_derivation,
    fail_abandoned_derivations,
    get_derivation,
    list_derivations,
    refuse_derivation,
)
from app.recordings.service.describing import (
    change_details,
    change_many,
    describable,
    details_of,
    get_many,
    suggestion_of,
)
from app.recordings.service.exporting import StoredCopy, commit_export, rate_of, request_export
from app.recordings.service.fingerprinting import (
    Duplicates,
    NearDuplicate,
    find_duplicates,
    near_duplicates,
    store_fingerprints,
)
from app.recordings.service.history import custody
from app.recordings.service.jobdirs import job_directory, remove_abandoned
from app.recordings.service.joining import (
    JoinOrder,
    StoredJoin,
    begin_join,
    commit_join,
    request_join,
    store_join,
)
from app.recordings.service.keys import key_of
from app.recordings.service.lifecycle import (
    FAILED,
    Overview,
    cancel,
    find,
    get_overview,
    joined_of,
    list_clips,
    list_recordings,
    made_of,
    note,
    refuse,
    stop_work,
    withdraw,
    withdraw_joined,
)
from app.recordings.service.normalising import (
    Attempt,
    begin_attempt,
    commit_outputs,
    store_outputs,
)
from app.recordings.service.originals import hold_original, remove_idle
from app.recordings.service.parts import PartOf, free_parts, lock_whole, parts_of
from app.recordings.service.progressing import (
    IngestProgress,
    machine_waits_of,
    progress,
    progress_of_job,
    progress_of_many,
)
from app.recordings.service.proposing import joinable, likely_joins, recent_joins
from app.recordings.service.registering import received, register
from app.recordings.service.steps import (
    KeptSteps,
    is_open,
    note_done,
    open_steps,
    processing_of,
    replan_if_stale,
)
from app.recordings.service.suggesting import suggested_details
from app.recordings.service.sweeping import compare_again, fail_abandoned, remove_strays
from app.recordings.service.telling import SuggestedDetails
from app.recordings.service.viewing import VIEWABLE, open_clip, open_rendition, record_view, require_viewable

__all__ = [
    "FAILED",
    "VIEWABLE",
    "Attempt",
    "Checked",
    "Duplicates",
    "IngestProgress",
    "JoinOrder",
    "KeptSteps",
    "MakeOrder",
    "NearDuplicate",
    "Overview",
    "PartOf",
    "StoredCopy",
    "StoredJoin",
    "SuggestedDetails",
    "begin_attempt",
    "begin_join",
    "begin_making",
    "cancel",
    "cancel_derivation",
    "change_details",
    "change_many",
    "check_files",
    "commit_cut",
    "commit_export",
    "commit_join",
    "commit_outputs",
    "compare_again",
    "custody",
    "describable",
    "details_of",
    "fail_abandoned",
    "fail_abandoned_derivations",
    "find",
    "find_duplicates",
    "free_parts",
    "get_derivation",
    "get_many",
    "get_overview",
    "hold_original",
    "is_open",
    "job_directory",
    "joinable",
    "joined_of",
    "key_of",
    "likely_joins",
    "list_clips",
    "list_derivations",
    "list_recordings",
    "lock_whole",
    "machine_waits_of",
    "made_of",
    "near_duplicates",
    "note",
    "note_done",
    "open_clip",
    "open_rendition",
    "open_steps",
    "parts_of",
    "plan_of",
    "process_again",
    "processing_of",
    "progress",
    "progress_of_job",
    "progress_of_many",
    "rate_of",
    "received",
    "recent_joins",
    "record_view",
    "refuse",
    "refuse_derivation",
    "register",
    "remove_abandoned",
    "remove_idle",
    "remove_strays",
    "replan_if_stale",
    "request_cut",
    "request_export",
    "request_join",
    "require_viewable",
    "stop_work",
    "store_fingerprints",
    "store_join",
    "store_outputs",
    "suggested_details",
    "suggestion_of",
    "withdraw",
    "withdraw_joined",
]
