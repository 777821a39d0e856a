"""Redactions: what routes, jobs, pages and higher features call."""

from app.redaction.service.errors import RedactionState, Undecided
from app.redaction.service.lifecycle import WORKABLE, find, newest, open_redaction, progress
from app.redaction.service.proposing import request_proposals
from app.redaction.service.releasing import Footage, begun_and_not_finished, footage_of
from app.redaction.service.reviewing import (
    add_region,
    approve,
    cancel,
    change_region,
    decide_all,
    remove_region,
)
from app.redaction.service.viewing import frame_times, open_redacted

__all__ = [
    "WORKABLE",
    "Footage",
    "RedactionState",
    "Undecided",
    "add_region",
    "approve",
    "begun_and_not_finished",
    "cancel",
    "change_region",
    "decide_all",
    "find",
    "footage_of",
    "frame_times",
    "newest",
    "open_redacted",
    "open_redaction",
    "progress",
    "remove_region",
    "request_proposals",
]
