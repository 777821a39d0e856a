"""What can be wrong with asking something of labelling and review."""

from __future__ import annotations

from typing import ClassVar

from app.core.errors import Conflict, NotFound


class NothingToLabel(NotFound):
    type: ClassVar[str] = "nothing-to-label"
    title: ClassVar[str] = "No clip is waiting to be labelled"


class WrongState(Conflict):
    type: ClassVar[str] = "assignment-state"
    title: ClassVar[str] = "The assignment's state does not allow this"


class OwnWork(Conflict):
    type: ClassVar[str] = "own-work"
    title: ClassVar[str] = "Nobody reviews their own work"
