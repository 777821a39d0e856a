"""A file on its way, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from app.client.errors import ClientError
from app.client.upload.footage import Candidate


@dataclass(frozen=True)
class Item:
    """A file to send. `name` is its path below what was named; `details` go along as metadata.

    `expected` is what a manifest says of it: algorithm → hex digits; `sha256` what its bytes were found to hash to in
    this run. `where` names its row in the metadata file. `anew`: what a run before sent of it does not count.
    """

    path: Path
    size: int
    name: str
    media_type: str = ""
    details: Mapping[str, str] = field(default_factory=dict)
    expected: Mapping[str, str] = field(default_factory=dict)
    where: str = ""
    sha256: str = ""
    anew: bool = False

    def held_as(self, recording: str, sha256: str = "") -> Outcome:
        """The outcome of a file whose bytes, which hash to this, are the force's recording already."""
        digest = sha256 or self.sha256
        return Outcome(
            self.path, "duplicate", self.size, "not sent again", None, recording, digest, self.name
        )

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
        """False for what is not with the service, or is not any more: the officer must do something about it."""
        return self.state not in ("failed", "rejected", "interrupted", "withdrawn", "erased")


def failed(item: Item, error: ClientError | OSError) -> Outcome:
    """The outcome of a file that did not arrive."""
    reason = str(error) if isinstance(error, ClientError) else f"cannot be read: {error.strerror}"
    return Outcome(item.path, "failed", item.size, reason, name=item.name)


def cut_off(item: Item) -> Outcome:
    """The outcome of a file that the end of the command cut off."""
    return Outcome(item.path, "interrupted", item.size, "run the same command to go on", name=item.name)


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
