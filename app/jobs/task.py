"""Declaring a task: a mark on a plain function, so that importing it needs no connection and tests call it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import ModuleType
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., None])
_MARK = "__cordon_task__"
# For jobs that keep a processor busy for minutes: a worker may leave them to others (`cordon worker --without media`).
MEDIA_QUEUE = "media"
# The priority of what a person asked for and waits for: above all that nobody asked for, below the recovery of jobs.
ASKED_FOR = 50
_NAME = re.compile(r"[a-z_]+\.[a-z_]+")


@dataclass(frozen=True, slots=True)
class TaskSpec:
    """What `@task` declared. `cron` has five fields, or six with seconds last (croniter)."""

    name: str
    function: Callable[..., None]
    max_attempts: int | None
    cron: str | None


def task(name: str, *, max_attempts: int | None = 8, cron: str | None = None) -> Callable[[F], F]:
    """Declares `function(job: JobContext, *, …)` as the task `feature.verb`, run on the queue `feature`.

    Arguments travel as JSON; those annotated UUID arrive as UUID. The machine's faults (MachineFault, a service
    away, a lost database) are tried again with growing pauses of at most ten minutes until `max_attempts`; with None
    outages for as long as they last, and the rest for about ten hours. Any other exception fails the job at once, so
    what is wrong with a file is the task's own business. With `cron` it also runs at those times.
    """
    if not _NAME.fullmatch(name):
        raise ValueError(f"a task's name is 'feature.verb', not {name!r}")

    def mark(function: F) -> F:
        setattr(function, _MARK, TaskSpec(name, function, max_attempts, cron))
        return function

    return mark


def queue_of(name: str) -> str:
    """The queue of a task: its feature. So a lower feature can enqueue a task that it may not import."""
    return name.partition(".")[0]


def declared_in(modules: Iterable[ModuleType]) -> list[TaskSpec]:
    """Every task that these modules declare themselves (imported ones are not counted twice)."""
    found: list[TaskSpec] = []
    for module in modules:
        for value in vars(module).values():
            spec: Any = getattr(value, _MARK, None)
            if isinstance(spec, TaskSpec) and spec.function.__module__ == module.__name__:
                found.append(spec)
    return found
