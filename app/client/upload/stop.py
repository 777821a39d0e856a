"""A clean end on ctrl-C and SIGTERM: what is under way stops within a moment, and can be resumed."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupted(Exception):
    """The command was asked to end."""


class Stop:
    """Told once, seen by every thread."""

    def __init__(self) -> None:
        self._told = threading.Event()

    def __bool__(self) -> bool:
        return self._told.is_set()

    def tell(self) -> None:
        self._told.set()

    def check(self) -> None:
        """Raises Interrupted once the end was asked for."""
        if self._told.is_set():
            raise Interrupted

    def pause(self, seconds: float) -> None:
        """Sleeps. Raises Interrupted as soon as the end is asked for."""
        if self._told.wait(seconds):
            raise Interrupted


@contextmanager
def stopping_on_signals(stop: Stop) -> Iterator[None]:
    """The first signal tells `stop`; the second ends the process as it would any other."""
    if threading.current_thread() is not threading.main_thread():  # signals are the main thread's alone
        yield
        return
    before = {number: signal.getsignal(number) for number in _SIGNALS}

    def told(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - as signal calls it
        stop.tell()
        _restore(before)

    for number in _SIGNALS:
        signal.signal(number, told)
    try:
        yield
    finally:
        _restore(before)


def _restore(handlers: Mapping[signal.Signals, object]) -> None:
    for number, handler in handlers.items():
        signal.signal(number, handler)  # type: ignore[arg-type]  # what getsignal gave
