"""Why an ingest ended: the file's fault, the machine's fault, or somebody's wish.

The three are kept apart because they are answered differently: a refusal is shown to the person who
uploaded and never retried; a machine fault is retried and shown to nobody; a cancellation is neither.
"""

from __future__ import annotations

from typing import Literal

ReasonCode = Literal[
    "empty",
    "not_media",
    "no_video",
    "truncated",
    "undecodable",
    "unsupported_codec",
    "unusable_timing",
    "too_costly",
    "too_large",
    "too_many_streams",
    "too_sparse",
    "not_one_recording",
    "part_missing",
]


class IngestError(Exception):
    """Root of everything that `ingest` raises on purpose."""


class FileRejected(IngestError):
    """The file itself cannot be taken in; trying again gives the same answer.

    `reason_code` is stable and for programs; `message` is one sentence for the person who uploaded.
    """

    def __init__(self, reason_code: ReasonCode, message: str) -> None:
        super().__init__(reason_code, message)
        self.reason_code: ReasonCode = reason_code
        self.message = message

    def __str__(self) -> str:
        return self.message


class MachineFault(IngestError):
    """Something here failed (disk full, a tool missing, killed from outside): retry later."""


class ProfileError(IngestError):
    """A profile cannot be used; the message says what is wrong where."""


class Unexplained(MachineFault):
    """What was made of a file is not what was meant, and nothing here failed: worth few more tries."""


class Cancelled(IngestError):
    """The caller's `should_stop` answered yes; everything half-written has been removed."""
