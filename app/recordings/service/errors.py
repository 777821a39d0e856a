"""What can be wrong with asking something of a recording."""

from __future__ import annotations

from typing import ClassVar

from app.core.errors import Conflict, NotFound


class NotProcessing(Conflict):
    type: ClassVar[str] = "not-processing"
    title: ClassVar[str] = "This recording is not being processed"


class AlreadyWithdrawn(Conflict):
    type: ClassVar[str] = "already-withdrawn"
    title: ClassVar[str] = "This recording was withdrawn before"


class Quarantined(Conflict):
    type: ClassVar[str] = "quarantined"
    title: ClassVar[str] = "This recording is marked as a possible real incident: decide that first"


class NotViewable(NotFound):
    type: ClassVar[str] = "not-viewable"
    title: ClassVar[str] = "There is nothing to see of this recording"
