"""A work directory that really is full: the job waits, and goes on once there is room; no file is blamed for it.

The worker runs in a mount namespace of its own, where the work directory is a small tmpfs: that needs no root, only a
kernel that lets users have namespaces. Before each film comes in, ballast fills the disk but for as much as the seed
chooses: nothing, less than the original, the original and a little, and so on until all fits. What was
met is read from the jobs' rows; then the ballast goes.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg

from tests.factories.recordings import make_film
from tests.faults.checker import check
from tests.faults.crew import Crew
from tests.faults.desk import Desk
from tests.faults.ingest_kill import variant
from tests.faults.outcome import Outcome
from tests.faults.site import Site, open_site

DISK_BYTES = 128 << 20
# What is left beside the original, as a share of it: below none it does not fit itself.
SHARES = (-1.0, -0.5, 0.1, 1.0, 2.0, 4.0, 8.0, 16.0)
MOST_SECONDS = 120.0
STILL_SECONDS = 300.0
# Root keeps its own user namespace: in another one it could not reach the database's socket.
APART = ("unshare", "--mount") if os.geteuid() == 0 else ("unshare", "--map-root-user", "--mount")
_MOUNT = 'mount -t tmpfs -o size="$1",mode=700 tmpfs "$2" && shift 2 && exec "$@"'
_ENDED = "SELECT 1 FROM recordings WHERE id = %s AND state <> 'processing'"
_WAITS = """
    SELECT task_name FROM procrastinate_jobs
    WHERE status = 'todo' AND attempts > 0 AND args->>'recording_id' = %s
"""


def run(seed: int, sample: bool, folder: Path) -> Outcome:
    """Sixteen films, each with another amount of room; the sample: one, for which there is too little."""
    chance, outcome = random.Random(seed), Outcome()
    if not can_mount():
        outcome.count("left out: this system lets nobody mount a disk of his own")
        return outcome
    film = make_film(folder / "film.mp4", seconds=8, rate=10).read_bytes()
    shares = (-0.5,) if sample else SHARES * 2
    with open_site(folder) as site:
        work = site.home / "work"
        prefix = (*APART, "sh", "-c", _MOUNT, "sh", str(DISK_BYTES), str(work))
        crew = Crew(site, folder / "worker.log", prefix=prefix)
        try:
            desk = Desk(site)
            for number, share in enumerate(shares):
                room = int(len(film) * (1 + share * chance.uniform(0.8, 1)))
                outcome.count(_round(site, crew, desk, variant(film, number), room))
                outcome.cases += 1
            if crew.starts != 1:
                outcome.failures.append(f"the worker was started {crew.starts} times")
            crew.sweep()
            disk = _disk(crew, work)
            outcome.failures += [f"on the disk is left: {path.name}" for path in disk.glob("[!.]*")]
        finally:
            crew.stop()
        outcome.failures += check(site.conninfo, site.home)
    return outcome


def can_mount() -> bool:
    """True where a user may mount a tmpfs in a namespace of his own."""
    if shutil.which("unshare") is None:
        return False
    script = [*APART, "sh", "-c", "mount -t tmpfs tmpfs /mnt"]
    return subprocess.run(script, capture_output=True, timeout=30).returncode == 0


def _round(site: Site, crew: Crew, desk: Desk, film: bytes, room: int) -> str:
    """One film comes in while the disk has so much room; returns which job had to wait for more."""
    crew.tick()
    if not crew.until(lambda: (disk := _disk(crew, site.home / "work")) and disk.is_mount(), MOST_SECONDS):
        raise TimeoutError("the worker's disk was not mounted")
    ballast = _disk(crew, site.home / "work") / ".ballast"
    _fill(ballast, room)
    recording = desk.hand_over(film)
    with psycopg.connect(site.conninfo, autocommit=True) as connection:

        def found(query: str) -> Any:
            return connection.execute(query, [recording]).fetchone()

        crew.until(lambda: found(_ENDED) or found(_WAITS), MOST_SECONDS)
        met = found(_WAITS)
        ballast.unlink()
        crew.settle(STILL_SECONDS)
    return f"{met[0]} waited" if met else "there was room"


def _disk(crew: Crew, work: Path) -> Path:
    """The work directory as the worker sees it."""
    return Path(f"/proc/{crew.pid}/root{work}")


def _fill(ballast: Path, room: int) -> None:
    """Takes all but `room` bytes of the disk, to the page."""
    with ballast.open("wb") as file, suppress(OSError):
        while True:
            file.write(bytes(1 << 20))
            file.flush()
    left = os.statvfs(ballast.parent)
    with ballast.open("r+b") as file:
        file.truncate(max(0, ballast.stat().st_size - max(0, room - left.f_bavail * left.f_frsize)))
