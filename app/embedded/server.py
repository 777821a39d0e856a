"""One home's embedded PostgreSQL: made at first use, shared by every process that asks, stopped by the last.

Each user of a running server holds a shared lock on one file; who stops takes it exclusively, so the server goes
only when nobody else needs it. The kernel drops a dead process's lock, so a crash cannot leave a server that no one
may stop: the next user takes it over.
"""

from __future__ import annotations

import fcntl
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import IO, Self
from urllib.parse import quote

from app.embedded import binaries, cluster, postmaster
from app.embedded.binaries import Binaries
from app.embedded.errors import EmbeddedPostgresError
from app.embedded.places import Places, places_for, private_dir

ANSWER_SECONDS = 30.0


class EmbeddedPostgres:
    """The PostgreSQL of one home. A context manager: started on entry, stopped on leaving.

    `with_parent`: the server shuts down when the thread that started it ends, however it ends (tests, demos).
    """

    def __init__(self, home: Path, *, with_parent: bool = False) -> None:
        self.home = home.expanduser().absolute()
        self._with_parent = with_parent
        self._process: subprocess.Popen[bytes] | None = None
        self._use: IO[bytes] | None = None

    @property
    def running(self) -> bool:
        """Whether this home's server runs, whoever started it."""
        if not (self.home / "postgres").is_dir():
            return False
        try:
            return postmaster.live_pid(places_for(self.home, create=False).data) is not None
        except EmbeddedPostgresError:
            return False

    @property
    def admin_url(self) -> str:
        """SQLAlchemy URL of the superuser on database `postgres`: for backups and tests, not for the service."""
        return _url(self.home, cluster.SUPERUSER, "postgres")

    def start(self) -> str:
        """Starts the server, or joins the running one; makes cluster, role and database if missing.

        Returns the SQLAlchemy URL. Raises EmbeddedPostgresError with one line that says what to do.
        """
        with self._lock():
            places = places_for(self.home, create=True)
            programs = (
                binaries.installed() if places.uid is None else binaries.copied_under(places.base.parent)
            )
            cluster.ensure_initialised(programs, places)
            if self._use is None:
                self._use = (places.private / "users").open("ab")
                fcntl.flock(self._use, fcntl.LOCK_SH)
            self._serve(programs, places)
        return embedded_url(self.home)

    def stop(self) -> None:
        """Leaves the server; shuts it down and waits when no other process uses it. Safe to call twice."""
        if self._use is None:
            return
        with self._lock(), self._use as use:
            self._use = None
            try:
                fcntl.flock(use, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return
            data = places_for(self.home, create=False).data
            if (pid := postmaster.live_pid(data)) is not None:
                postmaster.stop(data, pid)
            self._reap()

    def destroy(self) -> None:
        """Stops the server and removes the cluster with all its data. Nothing brings it back."""
        self.stop()
        places = places_for(self.home, create=False)
        if postmaster.live_pid(places.data) is not None:
            raise EmbeddedPostgresError("another process uses the embedded database: stop it first")
        for directory in {places.socket_dir, places.base, places.private}:
            shutil.rmtree(directory, ignore_errors=True)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _serve(self, programs: Binaries, places: Places) -> None:
        """Gets an answer from the server: one that is just dying is replaced, one that recovers is waited for."""
        deadline = time.monotonic() + ANSWER_SECONDS
        while True:
            if postmaster.live_pid(places.data) is None:
                self._reap()
                self._process = postmaster.start(programs, places, with_parent=self._with_parent)
            try:
                return cluster.ensure_database(self.admin_url, places)
            except EmbeddedPostgresError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(postmaster.POLL_SECONDS)

    def _reap(self) -> None:
        """Collects the exit of the server that this object started, once it has ended."""
        if self._process is not None:
            self._process.wait()
            self._process = None

    @contextmanager
    def _lock(self) -> Iterator[None]:
        private_dir(self.home / "postgres")
        with (self.home / "postgres" / "lock").open("ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def embedded_url(home: Path) -> str:
    """SQLAlchemy URL of the service's role on its database, whether or not the server runs.

    Raises EmbeddedPostgresError when the home has no cluster yet.
    """
    return _url(home.expanduser().absolute(), cluster.ROLE, cluster.DATABASE)


def _url(home: Path, user: str, database: str) -> str:
    places: Places = places_for(home, create=False)
    password = cluster.password_of(places, user)
    host = quote(str(places.socket_dir), safe="")
    return f"postgresql+psycopg://{user}:{password}@/{database}?host={host}"
