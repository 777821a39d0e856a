"""The one error that a command shows: a line that says what is wrong and what to do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class ClientError(Exception):
    """A command cannot go on. `str(error)` is one line for a person; `status` the HTTP status, where there was one.

    `passing` says that the same may work later; `retry_after` after how many seconds, where the service named them.
    `problem` is what the service said (RFC 9457), where it did.
    """

    def __init__(
        self,
        message: str,
        status: int | None = None,
        *,
        passing: bool = False,
        retry_after: float | None = None,
        problem: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(" ".join(message.split()))
        self.status = status
        self.passing = passing
        self.retry_after = retry_after
        self.problem = problem or {}

    @property
    def kind(self) -> str:
        """What kind of problem it is: the last part of its type, which does not change; "" where none is said."""
        return str(self.problem.get("type") or "").rpartition("/")[2]
