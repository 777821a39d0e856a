"""What was received goes into the vault: by a worker whose store refuses at first, or quickly within this process."""

from __future__ import annotations

from collections.abc import Sequence

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

SETTLE_SECONDS = 300.0
EVERY_SECONDS = 0.2
_WAITS = "SELECT 1 FROM procrastinate_jobs WHERE task_name = 'recordings.register' AND status = 'todo' AND attempts > 0"
_LEFT = "SELECT 1 FROM uploads WHERE state = 'received'"
_SWEEPS = "SELECT 1 FROM procrastinate_jobs WHERE task_name = 'uploads.sweep' AND status IN ('todo', 'doing')"


def take_in(site: Site, crew: Crew, store: Seaweed) -> str:
    """The jobs of all that was received: while the S3 server refuses, then with it; then what the clock starts."""

    def until(query: str, *, found: bool) -> bool:
        return crew.until(lambda: bool(rows(site, query)) == found, SETTLE_SECONDS, every=EVERY_SECONDS)

    store.kill()
    met = until(_WAITS, found=True)
    store.start()
    crew.hurry()
    taken = until(_LEFT, found=False)
    crew.begin("uploads.sweep")
    swept = until(_SWEEPS, found=False)
    return f"S3 refusing: jobs {'waited' if met else 'did not wait'}, {'all' if taken and swept else 'not all'} done"


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
