"""How many requests of one process receive bytes at once: a thread each, and some must be left for all else."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from app.uploads.service.errors import TooManyAtOnce

MOST_AT_ONCE: Final = 96
_slots = threading.BoundedSemaphore(MOST_AT_ONCE)


@contextmanager
def slot() -> Iterator[None]:
    """For one request's bytes. Raises TooManyAtOnce."""
    if not _slots.acquire(blocking=False):
        raise TooManyAtOnce
    try:
        yield
    finally:
        _slots.release()
