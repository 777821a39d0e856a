"""Tasks, assignments, labels and review: what routes, jobs, pages and higher features call."""

from app.annotation.service.assignments import (
    clips_waiting,
    get_assignment,
    list_assignments,
    list_own,
    list_tasks,
    take_next,
    task_counts,
)
from app.annotation.service.closing import close_work, erase_drafts, reopen_work, report
from app.annotation.service.errors import NothingToLabel, OwnWork, WrongState
from app.annotation.service.labelling import save_annotations, submit
from app.annotation.service.opening import ensure_taxonomy, list_taxonomies, open_tasks
from app.annotation.service.reviewing import accept, send_back
from app.annotation.service.viewing import clip_footage, clip_frames

__all__ = [
    "NothingToLabel",
    "OwnWork",
    "WrongState",
    "accept",
    "clip_footage",
    "clip_frames",
    "clips_waiting",
    "close_work",
    "ensure_taxonomy",
    "erase_drafts",
    "get_assignment",
    "list_assignments",
    "list_own",
    "list_tasks",
    "list_taxonomies",
    "open_tasks",
    "reopen_work",
    "report",
    "save_annotations",
    "send_back",
    "submit",
    "take_next",
    "task_counts",
]
