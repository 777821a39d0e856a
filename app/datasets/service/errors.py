"""What goes wrong in composing and freezing."""

from __future__ import annotations

from typing import ClassVar, Final

from app.core.errors import Conflict

SPLITS_FIXED: Final = (
    "Splits are fixed by the first frozen version: other ones would let its sealed test exercises out"
)


class SlugTaken(Conflict):
    type: ClassVar[str] = "slug-taken"
    title: ClassVar[str] = "A dataset of that name is there already"


class VersionFrozen(Conflict):
    type: ClassVar[str] = "version-frozen"
    title: ClassVar[str] = "A frozen version never changes: compose a new one"


class NotReleasable(Conflict):
    type: ClassVar[str] = "not-releasable"
    title: ClassVar[str] = "The version cannot be frozen yet"
