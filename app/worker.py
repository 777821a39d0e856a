"""The worker process: runs jobs, and keeps the audit log's tree up with its entries."""

from __future__ import annotations

import importlib
import importlib.util
import logging
import os
import pkgutil
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import ModuleType

import app
from app.audit.keys import load_checkpoint_key
from app.audit.sequencer import run_sequencer
from app.core.db import Database
from app.core.logging import configure
from app.embedded import embedded_url
from app.jobs.app import job_app
from app.jobs.run import run_worker
from app.jobs.task import MEDIA_QUEUE, declared_in, queue_of
from app.recordings.service import remove_abandoned, remove_idle
from app.settings import Settings
from app.storage.vault import Vault
from app.uploads.service import screens_of

log = logging.getLogger(__name__)
TIDY_SECONDS = 60.0


def main(settings: Settings, *, queues: Sequence[str] | None = None, without: Sequence[str] = ()) -> None:
    """Works until SIGTERM or SIGINT. `queues` are features' names (`recordings`, …) or `media`; None means all, but
    for those in `without`.

    Raises EmbeddedPostgresError or SettingsError when something that it needs is unusable.
    """
    configure(level=settings.log_level, style=settings.log_format)
    screens_of(settings)  # one that cannot be loaded stops the start: no upload would ever pass it
    url = settings.database_url or embedded_url(settings.home)
    db = Database(url, pool_size=settings.worker_concurrency + 2)
    resources = {Settings: settings, Database: db, Vault: Vault.from_settings(settings)}
    tasks = declared_in(task_modules())
    jobs = job_app(url, tasks)
    if queues is None and without:
        queues = sorted({MEDIA_QUEUE, *(queue_of(task.name) for task in tasks)} - set(without))
    log.info(
        "worker starts", extra={"tasks": len(tasks), "queues": "all" if queues is None else list(queues)}
    )
    try:
        with _sequencing(settings, db), _tidying(settings):
            run_worker(jobs, resources, queues=queues, concurrency=max(1, settings.worker_concurrency))
    finally:
        db.dispose()
    log.info("worker ended")


def task_modules() -> Iterator[ModuleType]:
    """Every feature's `tasks`, found rather than listed: none can be forgotten."""
    for feature in pkgutil.iter_modules(app.__path__, "app."):
        name = f"{feature.name}.tasks"
        if feature.ispkg and importlib.util.find_spec(name) is not None:
            yield importlib.import_module(name)


@contextmanager
def _tidying(settings: Settings) -> Iterator[None]:
    """Removes decrypted footage that dead or finished jobs left on this machine: each minute, and when the worker ends.

    Not a job: jobs for the clock are done by one worker, and every machine has a directory of its own.
    """
    stopping = threading.Event()

    def tidy() -> None:
        while not stopping.wait(TIDY_SECONDS):
            try:
                remove_abandoned(settings.work_dir)
                remove_idle(settings.work_dir)
            except OSError:
                log.warning("the work directory could not be tidied", exc_info=True)

    thread = threading.Thread(target=tidy, name="tidying", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join(timeout=5)
        remove_idle(settings.work_dir, idle=0)


@contextmanager
def _sequencing(settings: Settings, db: Database) -> Iterator[None]:
    """Runs the audit sequencer in a thread. Should it fail, the worker ends and its supervisor starts it anew."""
    signer = load_checkpoint_key(settings.checkpoint_key_uri)
    stopping = threading.Event()

    def sequence() -> None:
        try:
            run_sequencer(db, signer, stop=stopping.is_set)
        except Exception:
            log.critical("the audit sequencer ended: the worker stops", exc_info=True)
            os.kill(os.getpid(), signal.SIGTERM)

    thread = threading.Thread(target=sequence, name="audit-sequencer", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join(timeout=5)
