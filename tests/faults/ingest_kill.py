"""kill -9 of everything that an ingest stands on: each recording is there in the end, once, and nothing else is.

Films of several chunks come in through HTTP; one is ten jobs from the last byte to the open tasks. At moments that the
seed chooses dies the worker, an ffmpeg of it, PostgreSQL's postmaster, or the S3 server (SeaweedFS), and is started
again after a pause. The worker starts anew by itself, as under `cordon run`. The sample does not wait the half minute
after which a worker counts as dead: it makes the dead one's last sign of life older.
"""

from __future__ import annotations

import os
import random
import signal
import struct
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from tests.factories.recordings import make_film
from tests.factories.seaweed import CREDENTIALS, Seaweed, find_weed
from tests.faults.checker import check
from tests.faults.crew import Crew
from tests.faults.desk import Desk
from tests.faults.outcome import Outcome
from tests.faults.processes import children_of
from tests.faults.site import Site, environ_with, open_site
from tests.faults.worker_kill import TASKS

BUCKET = "campaign"
VICTIMS = ("worker", "tool", "database", "store")
FULL = VICTIMS * 5
MOST_WAITING = 4  # jobs; with fewer the next film comes in, so that no blow falls into an empty room
STILL_SECONDS = 300.0
LATEST_SECONDS = 1.5  # after which a job that has begun is struck


def run(seed: int, sample: bool, folder: Path) -> Outcome:
    """Twenty kills, five of each kind; the sample: one."""
    chance, outcome = random.Random(seed), Outcome()
    weed = find_weed()
    if weed is None:
        outcome.count("left out: SeaweedFS is not installed")
        return outcome
    with ExitStack() as stack:
        store = Seaweed(weed, folder / "weed")
        stack.callback(store.stop)
        store.start()
        store.make_bucket(BUCKET)
        stack.enter_context(environ_with(CREDENTIALS))
        address = store.address_of(BUCKET)
        site = stack.enter_context(open_site(folder, CORDON_STORAGE_URL=address))
        crew = Crew(site, folder / "worker.log", CORDON_WORKER_CONCURRENCY="2", **CREDENTIALS)
        try:
            stage = Stage(
                site, store, crew, chance, film_of(folder, seconds=95 if sample else 200), not sample
            )
            for victim in chance.sample(FULL, k=1 if sample else len(FULL)):
                outcome.count(stage.strike(victim))
                outcome.cases += 1
            crew.settle(STILL_SECONDS)
            crew.sweep()
        finally:
            crew.stop()
        outcome.counts |= {"films": stage.films, "worker starts": crew.starts}
        outcome.failures += check(site.conninfo, site.home, stored=store.lengths(BUCKET))
    return outcome


def film_of(folder: Path, *, seconds: int) -> bytes:
    """Five pictures a second, little to code, yet long enough for several chunks."""
    return make_film(folder / "film.mp4", seconds=seconds, rate=5, size="160x90").read_bytes()


def variant(film: bytes, number: int) -> bytes:
    """The same film as another file: with an empty box (ISO/IEC 14496-12, `free`) at its end."""
    return film + struct.pack(">I4sQ", 16, b"free", number)


@dataclass
class Stage:
    """All that may be struck, and the films that are under way meanwhile."""

    site: Site
    store: Seaweed
    crew: Crew
    chance: random.Random
    film: bytes
    patient: bool
    films: int = 0
    desk: Desk = field(init=False)

    def __post_init__(self) -> None:
        self.desk = Desk(self.site)

    def strike(self, victim: str) -> str:
        """Kills the victim while jobs run, and has it started again; says what it fell into."""
        self._keep_busy()
        ready: Callable[[], object] = self._tools if victim == "tool" else self._running
        if not self.crew.until(ready, STILL_SECONDS):
            raise TimeoutError(f"nothing began within {STILL_SECONDS:.0f} s that could be struck")
        if victim != "tool":  # which lives for less
            self._pause(0, LATEST_SECONDS)
        during = "+".join(sorted({name.partition(".")[2] for name in self._running()})) or "nothing"
        blow: Callable[[], None] = getattr(self, f"_kill_{victim}")
        blow()
        self.crew.tick()
        if not self.patient:
            with psycopg.connect(self.site.conninfo) as connection:
                connection.execute(
                    "UPDATE procrastinate_workers SET last_heartbeat = now() - interval '1 hour'"
                )
        return f"{victim} during {during}"

    def _kill_worker(self) -> None:
        if self.crew.until(lambda: self.crew.pid, STILL_SECONDS):
            self.crew.kill()

    def _kill_tool(self) -> None:
        """An ffmpeg or ffprobe: from outside, so it is the machine's fault and not the file's."""
        if not self.crew.until(lambda: any(_end(pid) for pid in self._tools()), STILL_SECONDS):
            raise TimeoutError("no tool ran that could be killed")

    def _kill_database(self) -> None:
        self.site.kill_database()
        self._pause(0.5, 5)
        self.site.server.start()

    def _kill_store(self) -> None:
        self.store.kill()
        self._pause(0.5, 10)
        self.store.start()

    def _pause(self, shortest: float, longest: float) -> None:
        until = time.monotonic() + self.chance.uniform(shortest, longest)
        self.crew.until(lambda: time.monotonic() > until, longest)

    def _keep_busy(self) -> None:
        query = "SELECT count(*) FROM procrastinate_jobs WHERE status IN ('todo', 'doing') AND task_name = ANY(%s)"
        with psycopg.connect(self.site.conninfo) as connection:
            (waiting,) = connection.execute(query, [list(TASKS)]).fetchone() or (0,)
        if waiting < MOST_WAITING:
            self.desk.hand_over(variant(self.film, self.films))
            self.films += 1

    def _running(self) -> list[str]:
        """What the live worker does now."""
        query = "SELECT task_name FROM procrastinate_jobs WHERE status = 'doing' AND task_name = ANY(%s) ORDER BY 1"
        with psycopg.connect(self.site.conninfo) as connection:
            return [name for (name,) in connection.execute(query, [list(TASKS)]).fetchall()]

    def _tools(self) -> list[int]:
        worker = self.crew.pid
        return [] if worker is None else list(children_of(worker))


def _end(pid: int) -> bool:
    """SIGKILL to that process; False where it ended before."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True
