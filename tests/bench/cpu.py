"""CPU seconds of work done here and in child processes, measured in turns."""

from __future__ import annotations

import resource
from collections.abc import Callable, Mapping


def in_turns(works: Mapping[str, Callable[[], None]], runs: int) -> dict[str, list[float]]:
    """CPU seconds of each piece of work, `runs` times in turns, after one turn unmeasured (imports, page cache)."""
    for work in works.values():
        work()
    spent: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(runs):
        for name, work in works.items():
            spent[name].append(cpu_seconds(work))
    return spent


def cpu_seconds(work: Callable[[], None]) -> float:
    """User and system seconds that `work` cost this process and the children it waited for."""
    mine, theirs = _spent_by(work)
    return mine + theirs


def own_share(work: Callable[[], None]) -> tuple[float, float]:
    """CPU seconds of this process alone, and of the whole."""
    mine, theirs = _spent_by(work)
    return mine, mine + theirs


def _spent_by(work: Callable[[], None]) -> tuple[float, float]:
    before = [_seconds(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    work()
    after = [_seconds(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return after[0] - before[0], after[1] - before[1]


def _seconds(who: int) -> float:
    used = resource.getrusage(who)
    return used.ru_utime + used.ru_stime
