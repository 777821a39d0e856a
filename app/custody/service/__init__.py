"""Custody: what routes, jobs, pages and higher features call."""

from app.custody.service.destroying import begin_erasure, finish_erasure, remove_objects
from app.custody.service.erasing import (
    COOLING,
    cancel_erasure,
    confirm_erasure,
    list_erasures,
    request_erasure,
)
from app.custody.service.holding import lift_hold, list_holds, place_hold
from app.custody.service.incidents import (
    clear_incident,
    confirm_moved_out,
    list_incidents,
    mark_incident,
    move_out,
    open_original,
    report_incident,
)
from app.custody.service.overview import Standing, Waiting, standing, to_decide, waiting
from app.custody.service.receipts import Paper, certificate, receipt, write_missing
from app.custody.service.retention import decide_retention, list_due, mark_due
from app.custody.service.reviewing import (
    confirm_review,
    list_unreviewed,
    reasons_against_release,
    revoke_review,
)
from app.custody.service.standing_back import stands_back
from app.custody.service.sweeping import resume_erasures

__all__ = [
    "COOLING",
    "Paper",
    "Standing",
    "Waiting",
    "begin_erasure",
    "cancel_erasure",
    "certificate",
    "clear_incident",
    "confirm_erasure",
    "confirm_moved_out",
    "confirm_review",
    "decide_retention",
    "finish_erasure",
    "lift_hold",
    "list_due",
    "list_erasures",
    "list_holds",
    "list_incidents",
    "list_unreviewed",
    "mark_due",
    "mark_incident",
    "move_out",
    "open_original",
    "place_hold",
    "reasons_against_release",
    "receipt",
    "remove_objects",
    "report_incident",
    "request_erasure",
    "resume_erasures",
    "revoke_review",
    "standing",
    "stands_back",
    "to_decide",
    "waiting",
    "write_missing",
]
