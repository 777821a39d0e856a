"""How fast bytes go out: one rate for the whole command, however many files are under way.

The generic cell rate algorithm, which is a token bucket without a clock that refills it: the moment at which the
line is free again moves on by each piece's time, and who comes sooner waits. Idle time is saved up for BURST seconds.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from typing import Final

from app.client.upload.stop import Stop

BURST: Final = 0.25
SLOWEST: Final = 1000.0
_GRAIN = range(1024, 2**18)
_WRITTEN = re.compile(r"(\d+(?:\.\d+)?)\s*([kmg]?)(bits?|bps|b)?(?:/s)?", re.IGNORECASE)


class Bandwidth:
    """At most `rate` bytes per second; without a rate, as many as the line takes."""

    def __init__(self, rate: float | None, stop: Stop) -> None:
        self._rate = rate
        self._stop = stop
        self._free_at = 0.0
        self._lock = threading.Lock()
        # Pieces of an eighth of a second: several files take turns, and no server takes the pauses for a dead line.
        self.grain = _GRAIN.stop if rate is None else min(max(int(rate / 8), _GRAIN.start), _GRAIN.stop)

    def take(self, count: int) -> None:
        """Returns when `count` bytes may go out. Raises Interrupted."""
        self._stop.check()
        if self._rate is None:
            return
        with self._lock:
            now = time.monotonic()
            self._free_at = max(self._free_at, now - BURST) + count / self._rate
            wait = self._free_at - now
        if wait > 0:
            self._stop.pause(wait)


class Body:
    """The bytes of one request, iterated at the bandwidth's pace; `on_bytes` hears of each piece that went out.

    Without `read`, on purpose: urllib3 would read it in pieces of 16 KiB, whatever the line takes.
    """

    def __init__(self, data: memoryview, bandwidth: Bandwidth, on_bytes: Callable[[int], None]) -> None:
        self._data = data
        self._bandwidth = bandwidth
        self._on_bytes = on_bytes

    def __len__(self) -> int:
        return len(self._data)

    def __iter__(self) -> Iterator[memoryview]:
        """Pieces of the grain at most. Raises Interrupted."""
        grain = self._bandwidth.grain
        for start in range(0, len(self._data), grain):
            piece = self._data[start : start + grain]
            self._bandwidth.take(len(piece))
            yield piece
            self._on_bytes(len(piece))


def parse_rate(text: str) -> float:
    """ "2M" or "2MB/s" → 2,000,000 bytes per second; "20Mbit" → 2,500,000. Raises ValueError."""
    match = _WRITTEN.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is no rate: write 500k, 2M or 20Mbit")
    rate = float(match[1]) * 1000.0 ** " kmg".index(match[2].lower() or " ")
    if (match[3] or "").lower() in ("bit", "bits", "bps"):
        rate /= 8
    if rate < SLOWEST:
        raise ValueError(f"{text!r} is too slow: at least 1k, a thousand bytes per second")
    return rate
