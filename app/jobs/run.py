"""Running a worker until it is told to stop."""

from __future__ import annotations

from collections.abc import Iterable

from procrastinate import App

from app.jobs.app import RESOURCES
from app.jobs.context import Resources

GRACE_SECONDS = 5.0  # after SIGTERM a job may finish; then `check()` tells it to stop, and it is queued again


def run_worker(
    app: App,
    resources: Resources,
    *,
    queues: Iterable[str] | None = None,
    concurrency: int = 1,
    wait: bool = True,
    name: str = "worker",
) -> None:
    """Runs jobs of `queues` (None: all) until SIGTERM or SIGINT; with `wait=False` until none is left.

    The periodic recovery of stalled jobs is on the queue `jobs`: it is always among those served.
    """
    app.run_worker(
        queues=None if queues is None else sorted({*queues, "jobs"}),
        concurrency=concurrency,
        wait=wait,
        name=name,
        shutdown_graceful_timeout=GRACE_SECONDS,
        additional_context={RESOURCES: resources},
    )
