"""A file on its way, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from app.client.upload.footage import Candidate


@dataclass(frozen=True)
class Item:
    """A file to send. `name` is its path below what was named; `details` go along as metadata.

    `expected` is what a manifest says of it: algorithm → hex digits. `where` names its row in the metadata file.
    """

    path: Path
    size: int
    name: str
    media_type: str = ""
    details: Mapping[str, str] = field(default_factory=dict)
    expected: Mapping[str, str] = field(default_factory=dict)
    where: str = ""

    @classmethod
    def of(cls, file: Candidate) -> Item:
        """The item of a candidate that is neither skipped nor failed."""
        return cls(file.path, file.size, file.name, file.media_type)


@dataclass(frozen=True)
class Outcome:
    """What became of one file.

    `state`: skipped, failed (never arrived), interrupted, received (every byte arrived), duplicate, rejected, recorded,
    or the recording's own (ready, rejected, withdrawn …). `ready_to_send` is for a run that sends nothing.
    """

    path: Path
    state: str
    size: int = 0
    reason: str = ""
    upload_id: str | None = None
    recording_id: str | None = None
    sha256: str | None = None
    name: str = ""

    @property
    def shown(self) -> str:
        """The path as it can be printed: names on a disk need not be UTF-8."""
        return str(self.path).encode(errors="replace").decode()

    @property
    def good(self) -> bool:
        """False for what the officer must do something about."""
        return self.state not in ("failed", "rejected", "interrupted")


class Observer(Protocol):
    """Is told how it goes, from any thread."""

    def begun(self, item: Item, offset: int) -> None:
        """The bytes from `offset` on are about to be sent."""

    def sent(self, item: Item, count: int) -> None:
        """Bytes went out, or (below 0) must go out again."""

    def ended(self, item: Item) -> None:
        """The item is done with, well or not."""

    def says(self, text: str) -> None:
        """Something that a person would want to know now, as what is waited for."""
