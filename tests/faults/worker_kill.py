"""kill -9 of real workers in the middle of what they do: everything is there in the end, and once.

Films are handed over through HTTP; `cordon worker` processes take them on to ready recordings, or pack releases of
labelled clips. At moments that the seed chooses the worker is killed and another one started: some while after a job
began, or at its very last step, which a lock on the row holds open. The sample does not wait the half minute
after which a worker counts as dead: it makes the dead one's last sign of life older.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from app.jobs import defer
from app.releases.service import composing
from tests.factories.recordings import make_film
from tests.factories.releases import make_stage
from tests.factories.server import environment
from tests.faults.checker import check
from tests.faults.desk import Desk
from tests.faults.outcome import Outcome
from tests.faults.site import Site, open_site

INGEST = ("recordings.normalise", "recordings.encode", "recordings.assemble")
TASKS = ("uploads.complete", "recordings.register", *INGEST)
SWEEPS = ("uploads.sweep", "recordings.sweep", "recordings.sweep_objects", "releases.sweep_objects")
SETTLE_SECONDS = 240.0
# The row whose lock holds a job at the transaction that makes its work count.
HELD = {
    "uploads.complete": "SELECT 1 FROM uploads WHERE id = %s FOR UPDATE",
    "recordings.register": "SELECT 1 FROM uploads WHERE id = %s FOR UPDATE",
    **dict.fromkeys(INGEST, "SELECT 1 FROM recordings WHERE id = %s FOR UPDATE"),
    "releases.build": "SELECT 1 FROM releases WHERE id = %s FOR UPDATE",
    "custody.erase": "SELECT 1 FROM erasures WHERE id = %s FOR UPDATE",
}
WAITING = "SELECT args FROM procrastinate_jobs WHERE task_name = %s AND status IN ('todo', 'doing') LIMIT 1"
# A joining locks its row when it begins, too: it is held once it has.
_BEGUN = """
    SELECT j.args FROM procrastinate_jobs j JOIN job_progress p ON p.job_id = j.id AND p.attempt = j.attempts + 1
    WHERE j.task_name = %s AND j.status = 'doing' AND p.step <> '' AND p.step <> 'assemble' LIMIT 1
"""
READY_TO_HOLD = {"recordings.assemble": _BEGUN}


def run(seed: int, sample: bool, folder: Path) -> Outcome:
    """Twelve kills while two releases are packed and five films come in; the sample: one kill, one film."""
    chance, outcome = random.Random(seed), Outcome()
    with open_site(folder) as site:
        crew = Crew(site, folder / "worker.log", patient=not sample)
        try:
            if not sample:
                _ask_for_releases(site, 2)
            for _ in range(0 if sample else 2):
                outcome.count(crew.kill_during("releases.build", chance))
            _hand_over(site, folder, chance, films=1 if sample else 5)
            for task in INGEST[1:2] if sample else (*TASKS, *TASKS):
                outcome.count(crew.kill_during(task, chance))
            crew.settle()
            crew.sweep()
        finally:
            crew.stop()
        outcome.cases = crew.kills
        outcome.failures += check(site.conninfo, site.home)
        outcome.failures += _audit_command(site)
    return outcome


@dataclass
class Crew:
    """One worker at a time, and how it fares."""

    site: Site
    log: Path
    patient: bool
    process: subprocess.Popen[bytes] | None = None
    kills: int = 0

    def start(self) -> None:
        command = [str(Path(sys.executable).with_name("cordon")), "worker"]
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                command,
                env=environment(self.site.settings),
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def kill_during(self, task: str, chance: random.Random) -> str:
        """Kills the worker while it does that task, then starts another; says when it was."""
        at_the_end, later = (
            chance.random() < 0.5,
            chance.uniform(0, 1.5 if task == "recordings.encode" else 0.05),
        )
        with ExitStack() as stack:
            connection = stack.enter_context(psycopg.connect(self.site.conninfo, autocommit=True))
            if self.process is None:
                self.start()
            if at_the_end:
                self._hold(stack, connection, task)
            if not self._until(lambda: _doing(connection, task), 60):
                return f"{task}: over before it could be killed"
            when = "at its last step" if at_the_end else "in the middle"
            if at_the_end:
                self._until(lambda: _waits(connection), 60)
            else:
                time.sleep(later)
                when = when if _doing(connection, task) else "just after it"
            self.kill()
            if not self.patient:
                connection.execute(
                    "UPDATE procrastinate_workers SET last_heartbeat = now() - interval '1 hour'"
                )
        self.start()
        return f"{task}: killed {when}"

    def _hold(self, stack: ExitStack, connection: psycopg.Connection[Any], task: str) -> None:
        """Locks the subject of the next such job, if there is one yet, until the worker is dead."""
        query = READY_TO_HOLD.get(task, WAITING)
        self._until(lambda: connection.execute(query, [task]).fetchone(), 60)
        found = connection.execute(query, [task]).fetchone()
        if found is not None:
            holder = stack.enter_context(psycopg.connect(self.site.conninfo))
            holder.execute(
                HELD[task], [next(value for name, value in found[0].items() if name.endswith("_id"))]
            )

    def kill(self) -> None:
        """Ends the worker process alone: what it started must end by itself."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(30)
        self.kills += 1

    def settle(self) -> None:
        """Until nothing is left to do. Raises TimeoutError."""
        with psycopg.connect(self.site.conninfo, autocommit=True) as connection:
            if not self._until(lambda: not unfinished(connection), SETTLE_SECONDS):
                raise TimeoutError(f"still to do: {unfinished(connection)}\n{self.log.read_text()[-3000:]}")

    def sweep(self) -> None:
        """What the clock would start within a day."""
        with self.site.database.transaction() as session:
            for name in SWEEPS:
                defer(session, name)
        self.settle()
        time.sleep(3)  # the log's last entries go into the tree

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(60)

    def _until(self, true: Callable[[], Any], seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while not true():
            if time.monotonic() > deadline or (self.process is not None and self.process.poll() is not None):
                return False
            time.sleep(0.01)
        return True


def _hand_over(site: Site, folder: Path, chance: random.Random, films: int) -> None:
    desk = Desk(site)
    for number in range(films):
        film = make_film(
            folder / f"{number}.mp4", seconds=6 + number, rate=chance.choice([10, 25]), size="640x360"
        )
        desk.hand_over(film.read_bytes())


def _ask_for_releases(site: Site, count: int) -> None:
    """Releases of one frozen version of labelled clips; each is a job."""
    stage = make_stage(site.database, site.settings, site.vault)
    with site.database.transaction() as session:
        version = stage.freeze(session)
        for _ in range(count):
            composing.create_release(session, stage.manager, version_id=version.id, notes="")


def _doing(connection: psycopg.Connection[Any], task: str) -> bool:
    query = "SELECT 1 FROM procrastinate_jobs WHERE task_name = %s AND status = 'doing'"
    return connection.execute(query, [task]).fetchone() is not None


def _waits(connection: psycopg.Connection[Any]) -> bool:
    query = "SELECT 1 FROM pg_locks WHERE NOT granted AND locktype IN ('transactionid', 'tuple')"
    return connection.execute(query).fetchone() is not None


def unfinished(connection: psycopg.Connection[Any]) -> list[Any]:
    """Jobs of features that wait or run, but for those that the clock starts."""
    query = """
        SELECT task_name, status::text FROM procrastinate_jobs
        WHERE status IN ('todo', 'doing') AND task_name NOT LIKE 'jobs.%'
          AND id NOT IN (SELECT job_id FROM procrastinate_periodic_defers WHERE job_id IS NOT NULL)
    """
    return connection.execute(query).fetchall()


def _audit_command(site: Site) -> list[str]:
    command = [str(Path(sys.executable).with_name("cordon")), "audit", "verify", "--json"]
    done = subprocess.run(
        command, env=os.environ | environment(site.settings), capture_output=True, text=True, timeout=120
    )
    if done.returncode == 0 and json.loads(done.stdout)["waiting"] == 0:
        return []
    return [f"cordon audit verify: {done.stdout} {done.stderr}"]
