"""Which failures are the machine's, which of them are outages, and what a person is told of them."""

from __future__ import annotations

import errno
from collections.abc import Iterator

import psycopg
from procrastinate.exceptions import ConnectorException
from sqlalchemy.exc import InterfaceError, OperationalError

from app.core.errors import Unavailable
from app.jobs.errors import MachineFault

_DATABASE_AWAY = (OperationalError, InterfaceError, psycopg.OperationalError, psycopg.InterfaceError)
_MACHINES = (MachineFault, Unavailable, MemoryError, *_DATABASE_AWAY)
_FULL = (errno.ENOSPC, errno.EDQUOT)
# What may be the service's own fault, or come back with the same file: no time mends it for certain.
_NO_OUTAGES = ("out-of-memory", "machine-fault")


def is_machines(error: BaseException) -> bool:
    """True for a fault of the machine. Procrastinate wraps what the database's driver says when a job enqueues one."""
    told = error.__cause__ if isinstance(error, ConnectorException) else error
    return isinstance(told, _MACHINES) or _is_full(told)


def why_of(fault: BaseException) -> str:
    """What the machine lacks, as a code: `disk-full`, `database-unavailable`, `out-of-memory`, the type of the service
    that does not answer (`store-unavailable`), or `machine-fault` for anything else, of which the log says more."""
    for error in _with_causes(fault):
        if isinstance(error, Unavailable):
            return error.type
        if isinstance(error, _DATABASE_AWAY):
            return "database-unavailable"
        if isinstance(error, MemoryError):
            return "out-of-memory"
        # a tool's own full disk is told by the media library in a sentence
        if _is_full(error) or "no space left" in str(error).lower():
            return "disk-full"
    return "machine-fault"


def is_outage(fault: BaseException) -> bool:
    """True for what somebody or time mends and the service can name: a full disk, a service or database away."""
    return why_of(fault) not in _NO_OUTAGES


def _is_full(error: BaseException | None) -> bool:
    return isinstance(error, OSError) and error.errno in _FULL


def _with_causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__
