"""What can be wrong with asking something of a redaction."""

from __future__ import annotations

from typing import ClassVar

from app.core.errors import Conflict


class RedactionState(Conflict):
    type: ClassVar[str] = "redaction-state"
    title: ClassVar[str] = "The redaction's state does not allow this"


class Undecided(Conflict):
    type: ClassVar[str] = "redaction-undecided"
    title: ClassVar[str] = "Not every region is decided"
