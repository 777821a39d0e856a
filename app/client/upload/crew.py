"""Several files at once.

The threads are daemons: one that waits for a server's answer cannot hold up the end of the command, which a
ThreadPoolExecutor's would. What a thread had sent is the server's already.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Collection, Hashable
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")
K = TypeVar("K", bound=Hashable)


class Crew(Generic[T, R]):
    """`workers` threads that do `work` on whatever is put in; what it raises is raised where results are taken."""

    def __init__(self, work: Callable[[T], R], workers: int) -> None:
        self._work = work
        self._todo: queue.SimpleQueue[T | None] = queue.SimpleQueue()
        self._done: queue.SimpleQueue[tuple[T, R | BaseException]] = queue.SimpleQueue()
        self._workers = workers
        for number in range(workers):
            threading.Thread(target=self._run, name=f"upload-{number}", daemon=True).start()

    def put(self, item: T) -> None:
        self._todo.put(item)

    def take(self, seconds: float) -> tuple[T, R] | None:
        """The next item that is done with its result, in the order of their ends; None after so many seconds."""
        try:
            item, result = self._done.get(timeout=seconds)
        except queue.Empty:
            return None
        if isinstance(result, BaseException):
            raise result
        return item, result

    def dismiss(self) -> None:
        """Lets the threads end when what was put in is done."""
        for _ in range(self._workers):
            self._todo.put(None)

    def _run(self) -> None:
        while (item := self._todo.get()) is not None:
            try:
                self._done.put((item, self._work(item)))
            except BaseException as error:
                self._done.put((item, error))


def do_all(
    work: Callable[[K], R], things: Collection[K], workers: int, check: Callable[[], None]
) -> dict[K, R]:
    """The result of each. Raises what `work` does, and what `check` does meanwhile."""
    crew: Crew[K, R] = Crew(work, min(workers, len(things)))
    for thing in things:
        crew.put(thing)
    crew.dismiss()
    done: dict[K, R] = {}
    while len(done) < len(things):
        check()
        if (taken := crew.take(0.2)) is not None:
            done[taken[0]] = taken[1]
    return done
