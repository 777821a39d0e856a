"""What can be wrong with asking something of a recording."""

from __future__ import annotations

from typing import ClassVar

from app.core.errors import Conflict, NotFound


class NotProcessing(Conflict):
    type: ClassVar[str] = "not-processing"
    title: ClassVar[str] = "This recording is not being processed"


class NotAgain(Conflict):
    type: ClassVar[str] = "not-processed-again"
    title: ClassVar[str] = "This recording is not processed again"


class NotOpen(Conflict):
    type: ClassVar[str] = "not-open"
    title: ClassVar[str] = "This is no longer being made"


class AlreadyWithdrawn(Conflict):
    type: ClassVar[str] = "already-withdrawn"
    title: ClassVar[str] = "This recording was withdrawn before"


class AlreadyAsked(Conflict):
    type: ClassVar[str] = "already-asked"
    title: ClassVar[str] = "This is just being made of the recording: wait until it is done"


class MadeTooOften(Conflict):
    type: ClassVar[str] = "made-too-often"
    title: ClassVar[str] = (
        "So many were made of this recording that no more are: each is kept until it is erased"
    )


class AlreadyMade(Conflict):
    type: ClassVar[str] = "already-made"
    title: ClassVar[str] = "The recording has this copy already"


class NotReady(Conflict):
    type: ClassVar[str] = "not-ready"
    title: ClassVar[str] = "The recording is not ready: wait until it is"


class NotJoinable(Conflict):
    type: ClassVar[str] = "not-joinable"
    title: ClassVar[str] = "These recordings cannot be joined"


class DetailsFixed(Conflict):
    type: ClassVar[str] = "details-fixed"
    title: ClassVar[str] = "What is withdrawn or erased is described no more"


class Quarantined(Conflict):
    type: ClassVar[str] = "quarantined"
    title: ClassVar[str] = "This recording is marked as a possible real incident: decide that first"


class NotViewable(NotFound):
    type: ClassVar[str] = "not-viewable"
    title: ClassVar[str] = "There is nothing to see of this recording"
