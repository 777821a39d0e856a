"""Patience with a poor line: what passes is tried again, ever more rarely, and it is said what is waited for."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Final

from app.client.errors import ClientError

LONGEST_PAUSE: Final = 30.0
SHORTEST_PAUSE: Final = 1.0


class Patience:
    """For one file. `seconds` of pauses in a row, without a byte getting through, are borne."""

    def __init__(self, seconds: float, pause: Callable[[float], None], says: Callable[[str], None]) -> None:
        self._seconds = seconds
        self._pause = pause
        self._says = says
        self.relieve()

    def relieve(self) -> None:
        """Something got through: the next fault is the first one again."""
        self._faults = 0
        self._waited = 0.0

    def bear(self, name: str, error: ClientError) -> None:
        """Waits before the next attempt. Raises the error itself once patience is over; Interrupted."""
        if self._waited >= self._seconds:
            raise error
        pause = min(SHORTEST_PAUSE * 2**self._faults, LONGEST_PAUSE)
        pause *= random.uniform(0.8, 1.2)  # noqa: S311 - so that the files of one run do not come back all at once
        pause = max(pause, error.retry_after or 0.0)
        self._faults += 1
        self._waited += pause
        self._says(f"{name}: waiting {pause:.0f} s, then going on by itself: {error}")
        self._pause(pause)
