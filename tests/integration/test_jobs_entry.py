"""The worker's entry point: every feature's tasks are found, jobs run, the audit log gets its places."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from app.audit import service as audit
from app.audit.events import Tag
from app.audit.models import AuditEvent
from app.core.db import Database
from app.core.identity import SYSTEM
from app.jobs import defer, status_of
from app.jobs.task import declared_in
from app.settings import Settings
from app.worker import task_modules

MAIN = "from app.settings import Settings; from app.worker import main; main(Settings.from_environ())"


def wait_for(condition: Callable[[], bool], worker: subprocess.Popen[bytes], seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert worker.poll() is None, "the worker ended"
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.05)


def test_every_features_tasks_are_found() -> None:
    names = [spec.name for spec in declared_in(task_modules())]
    assert {"uploads.complete", "recordings.normalise", "releases.build"} <= set(names)
    assert len(names) == len(set(names))


def test_the_worker_runs_jobs_and_places_audit_events_until_told_to_stop(
    settings: Settings, database: Database, tmp_path: Path
) -> None:
    with database.transaction() as session:
        event = audit.append(session, SYSTEM, Tag.SYSTEM_INIT)
        job = defer(session, "uploads.sweep")
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(sys.path),
        "CORDON_HOME": str(settings.home),
        "CORDON_SECRET_KEY": settings.secret_key,
        "CORDON_DATABASE_URL": str(settings.database_url),
        "CORDON_LOG_FORMAT": "json",
    }
    with (tmp_path / "log").open("wb") as log:
        worker = subprocess.Popen([sys.executable, "-c", MAIN], env=environment, stdout=log, stderr=log)

    def all_done() -> bool:
        with database.transaction() as session:
            placed = session.get_one(AuditEvent, event.id).leaf_index is not None
            return placed and status_of(session, job) == "succeeded"

    try:
        wait_for(all_done, worker)
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(timeout=20) == 0
    finally:
        worker.kill()
        worker.wait()
        print((tmp_path / "log").read_text())
