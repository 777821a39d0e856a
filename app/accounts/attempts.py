"""Slows down whoever guesses from one address: only failures count, so busy honest users never meet the limit.

The lock of one account (`service.sessions`) is in the database and holds across processes; this limit is there for
guesses spread over many accounts, and for the cost of argon2.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from limits import parse
from limits.storage import storage_from_string
from limits.strategies import FixedWindowRateLimiter

from app.core.errors import InvalidRequest, TooManyRequests, Unauthenticated


class AttemptLimit:
    """So many failures for each address and time, as in "10/minute"; counted at `storage_uri` (memory, redis …)."""

    def __init__(self, rate: str, storage_uri: str) -> None:
        self._rate = parse(rate)
        self._limiter = FixedWindowRateLimiter(storage_from_string(storage_uri))

    @contextmanager
    def attempt(self, address: str, *, failures: tuple[type[Exception], ...]) -> Iterator[None]:
        """Around one attempt. Raises TooManyRequests where the address has failed too often."""
        if not self._limiter.test(self._rate, address):
            raise TooManyRequests(retry_after=self._rate.get_expiry())
        try:
            yield
        except failures:
            self._limiter.hit(self._rate, address)
            raise


CREDENTIAL_FAILURES: tuple[type[Exception], ...] = (Unauthenticated, InvalidRequest)
