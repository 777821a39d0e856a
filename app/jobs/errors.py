"""How a job can end other than well."""

from __future__ import annotations

from procrastinate.exceptions import JobAborted

__all__ = ["AlreadyQueued", "DoubtfulFault", "JobAborted", "MachineFault", "Superseded"]


class MachineFault(Exception):
    """The machine's fault (disk full, a service away), not the file's: the job is tried again later."""


class DoubtfulFault(MachineFault):
    """Perhaps the machine's fault, perhaps the service's own: tried again, but not without end.

    `tries` is how often in all; a few times unless it is given.
    """

    def __init__(self, said: str = "", *, tries: int | None = None) -> None:
        super().__init__(said)
        self.tries = tries


class Superseded(Exception):
    """A later attempt of this job has begun, so this one must leave no trace. Tasks let it pass."""


class AlreadyQueued(Exception):
    """A job with this queueing lock already waits."""
