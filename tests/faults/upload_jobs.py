"""What was received goes into the vault: by a worker that its vault fails at first, or quickly within this process."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from app.core.db import Database
from app.jobs import defer
from app.jobs.app import job_app
from app.jobs.run import run_worker
from app.jobs.task import declared_in
from app.settings import Settings
from app.storage.vault import Vault
from app.worker import task_modules
from tests.factories.seaweed import Seaweed
from tests.faults.crew import Crew
from tests.faults.site import Site
from tests.faults.upload_checker import rows
from tests.faults.web import limit_files

SETTLE_SECONDS = 300.0
EVERY_SECONDS = 0.2
FULL_BYTES = 20_000  # no object grows beyond it while the worker's disk is full
_WAITS = "SELECT 1 FROM procrastinate_jobs WHERE task_name = 'recordings.register' AND status = 'todo' AND attempts > 0"
_LEFT = "SELECT 1 FROM uploads WHERE state = 'received'"
_SWEEPS = "SELECT 1 FROM procrastinate_jobs WHERE task_name = 'uploads.sweep' AND status IN ('todo', 'doing')"


def take_in_when_there_is_room(site: Site, crew: Crew) -> str:
    """The jobs of everything received: first on a full disk, then with room."""
    crew.tick()
    pid = crew.pid
    assert pid is not None
    return _take_in(
        site, crew, "disk full", lambda: limit_files(pid, FULL_BYTES), lambda: limit_files(pid, None)
    )


def take_in_when_it_refuses(site: Site, crew: Crew, store: Seaweed) -> str:
    """The jobs of everything received: while the S3 server is not there, then with it."""
    return _take_in(site, crew, "S3 refusing", store.kill, store.start)


def _take_in(site: Site, crew: Crew, fault: str, begin: Callable[[], None], end: Callable[[], None]) -> str:
    """Until a job waits because of the fault, and then until all are done, and what the clock starts.

    Raises RuntimeError where no job met the fault.
    """

    def until(query: str, *, found: bool) -> bool:
        return crew.until(lambda: bool(rows(site, query)) == found, SETTLE_SECONDS, every=EVERY_SECONDS)

    begin()
    if not until(_WAITS, found=True):
        raise RuntimeError(f"{fault}: no job met it")
    end()
    crew.hurry()
    taken = until(_LEFT, found=False)
    crew.begin("uploads.sweep")
    swept = until(_SWEEPS, found=False)
    return f"{fault}: jobs waited, {'all' if taken and swept else 'not all'} done"


def take_in_here(site: Site, queues: Sequence[str]) -> str:
    """The jobs and the sweep without a process of their own, which costs more than they do."""
    with site.database.transaction() as session:
        defer(session, "uploads.sweep")
    resources = {Settings: site.settings, Database: site.database, Vault: site.vault}
    jobs = job_app(site.settings.database_url or "", declared_in(task_modules()))
    while rows(site, _LEFT):
        before = rows(site, _LEFT)
        run_worker(jobs, resources, queues=queues, wait=False)
        if len(rows(site, _LEFT)) == len(before):
            return "jobs: not all done"
    return "jobs: all done"
