"""A `cordon worker` of a campaign, kept as `cordon run` keeps it: one that ends is started again."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg

from app.jobs import defer
from tests.factories.server import environment
from tests.faults.processes import started
from tests.faults.site import Site
from tests.faults.worker_kill import SWEEPS, unfinished

PAUSE_SECONDS = 0.5
SEQUENCER_SECONDS = 3.0  # after which the log's last entries are in the tree


class Crew:
    """The worker's process, and waiting while it is looked after. `prefix` stands before its command, `words` after."""

    def __init__(
        self, site: Site, log: Path, *, prefix: tuple[str, ...] = (), words: tuple[str, ...] = (), **env: str
    ) -> None:
        self._site = site
        self._log = log
        self._command = [*prefix, str(Path(sys.executable).with_name("cordon")), "worker", *words]
        self._env = environment(site.settings, **env)
        self._process: subprocess.Popen[bytes] | None = None
        self._start_after = 0.0
        self.starts = 0

    @property
    def pid(self) -> int | None:
        """The live worker's process id."""
        return None if self._process is None or self._process.poll() is not None else self._process.pid

    def tick(self) -> None:
        """Starts the worker unless it runs or ended just now."""
        if self._process is not None and self._process.poll() is not None:
            self._process, self._start_after = None, time.monotonic() + PAUSE_SECONDS
        if self._process is not None or time.monotonic() < self._start_after:
            return
        self._process = started(self._command, self._env, self._log)
        self.starts += 1

    def kill(self) -> None:
        """SIGKILL to the worker's process alone: what it started must end by itself."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(30)

    def until(self, true: Callable[[], Any], seconds: float, *, every: float = 0.02) -> bool:
        """Looks after the worker until that is true, and asks so often; False when it did not come true in time."""
        deadline = time.monotonic() + seconds
        while not true():
            if time.monotonic() > deadline:
                return False
            self.tick()
            time.sleep(every)
        return True

    def settle(self, still_seconds: float) -> None:
        """Until nothing is left to do. Raises TimeoutError where no job ended for so long."""
        deadline, seen = time.monotonic() + still_seconds, -1
        while (now := time.monotonic()) < deadline:
            left, ended = self._jobs()
            if ended > seen:
                seen, deadline = ended, now + still_seconds
            if not left:
                return
            self.tick()
            time.sleep(0.2)
        raise TimeoutError(f"still to do: {left}\n{self._log.read_text(errors='replace')[-3000:]}")

    def hurry(self) -> None:
        """What failed and waits for another try need not wait longer."""
        with psycopg.connect(self._site.conninfo) as connection:
            connection.execute("UPDATE procrastinate_jobs SET scheduled_at = now() WHERE status = 'todo'")

    def begin(self, name: str) -> None:
        """Has a job done that takes no arguments."""
        with self._site.database.transaction() as session:
            defer(session, name)

    def sweep(self) -> None:
        """What the clock would start within a day."""
        with self._site.database.transaction() as session:
            for name in SWEEPS:
                defer(session, name)
        self.settle(120)
        time.sleep(SEQUENCER_SECONDS)

    def stop(self) -> None:
        """SIGTERM, and after a minute SIGKILL."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(60)
        except subprocess.TimeoutExpired:
            self.kill()

    def _jobs(self) -> tuple[list[Any], int]:
        """What is to do, and how many jobs have ended. A database that is away counts as nothing having happened."""
        with suppress(psycopg.OperationalError), psycopg.connect(self._site.conninfo) as connection:
            query = "SELECT count(*) FROM procrastinate_jobs WHERE status NOT IN ('todo', 'doing')"
            (ended,) = connection.execute(query).fetchone() or (0,)
            return unfinished(connection), ended
        return ["the database is away"], -1
