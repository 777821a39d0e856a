"""What can be wrong with asking for a decision about footage."""

from __future__ import annotations

from typing import ClassVar

from app.core.errors import Conflict, NotFound


class OnHold(Conflict):
    type: ClassVar[str] = "on-legal-hold"
    title: ClassVar[str] = "A legal hold keeps this recording: lift it before anything is erased"


class HoldState(Conflict):
    type: ClassVar[str] = "hold-state"
    title: ClassVar[str] = "The recording's legal hold does not allow this"


class ReviewRefused(Conflict):
    type: ClassVar[str] = "review-refused"
    title: ClassVar[str] = "The sensitivity review cannot be confirmed yet"


class NotReviewed(Conflict):
    type: ClassVar[str] = "not-reviewed"
    title: ClassVar[str] = "The recording has no sensitivity review"


class NotDue(Conflict):
    type: ClassVar[str] = "retention-not-due"
    title: ClassVar[str] = "No retention review of this recording is open"


class IncidentState(Conflict):
    type: ClassVar[str] = "incident-state"
    title: ClassVar[str] = "The recording's incident does not allow this"


class NotErasable(Conflict):
    type: ClassVar[str] = "not-erasable"
    title: ClassVar[str] = "Only a withdrawn or quarantined recording is erased: withdraw it first"


class ErasureState(Conflict):
    type: ClassVar[str] = "erasure-state"
    title: ClassVar[str] = "The recording's erasure does not allow this"


class NeedsAnother(Conflict):
    type: ClassVar[str] = "needs-second-officer"
    title: ClassVar[str] = (
        "A second officer of the force confirms, or the same one once the time to think is over"
    )


class NoOriginal(NotFound):
    type: ClassVar[str] = "not-moving-out"
    title: ClassVar[str] = "The original is handed out only while an incident is being moved out"
