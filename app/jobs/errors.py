"""How a job can end other than well."""

from __future__ import annotations

from procrastinate.exceptions import JobAborted

__all__ = ["AlreadyQueued", "DoubtfulFault", "JobAborted", "MachineFault", "Superseded"]


class MachineFault(Exception):
    """The machine's fault (disk full, a service away), not the file's: the job is tried again later."""


class DoubtfulFault(MachineFault):
    """Perhaps the machine's fault, perhaps the service's own: tried again a few times."""


class Superseded(Exception):
    """A later attempt of this job has begun, so this one must leave no trace. Tasks let it pass."""


class AlreadyQueued(Exception):
    """A job with this queueing lock already waits."""
