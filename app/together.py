"""All of the service on one machine: database, surfaces and workers, prepared, started and watched as one."""

from __future__ import annotations

import fcntl
import logging
import os
import socket
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import click
import psycopg

from app.audit.events import Tag
from app.core import migrate
from app.core.logging import configure
from app.embedded import EmbeddedPostgres, EmbeddedPostgresError
from app.home import prepare_home
from app.jobs.task import MEDIA_QUEUE
from app.serve import port_of
from app.settings import Settings, SettingsError
from app.supervisor import Child, Supervisor

SHORT_JOBS = 4
DATABASE_CHECK_SECONDS = 1.0
STATE_FILE = "supervisor.json"

log = logging.getLogger(__name__)


def run_together(environ: Mapping[str, str], *, ports: Mapping[str, int | None]) -> int:
    """Runs until SIGTERM or SIGINT (then 0); 78 where a part cannot run as it is configured.

    Makes on the first start what `cordon init` makes, but for the administrator. Raises SettingsError and
    EmbeddedPostgresError with one line that says what to do.
    """
    settings = prepare_home(environ)
    configure(level=settings.log_level, style=settings.log_format)
    addresses = {surface: _address(settings, environ, surface, port) for surface, port in ports.items()}
    chosen = {surface: port or port_of(settings, surface) for surface, port in ports.items()}
    for surface, port in chosen.items():
        _check_free(settings.bind_host, port, surface)
    with _alone(settings.home) as run_dir, _database(settings) as url:
        _prepare(url)
        settings = replace(settings, staff_url=addresses["staff"], partner_url=addresses["partner"])
        supervisor = Supervisor(
            children(settings, chosen),
            state_file=run_dir / STATE_FILE,
            on_ready=lambda: click.echo(
                f"Cordon is ready: staff {settings.staff_url}, partners {settings.partner_url} (Ctrl-C stops it)"
            ),
        )
        return supervisor.run()


def children(settings: Settings, ports: Mapping[str, int]) -> list[Child]:
    """What the supervisor keeps running. Metrics ports count up from CORDON_METRICS_PORT: staff, then partner."""
    command = [sys.executable, "-P", "-m", "app.cli"]
    shared = {
        "CORDON_HOME": str(settings.home),
        "CORDON_STAFF_URL": settings.staff_url,
        "CORDON_PARTNER_URL": settings.partner_url,
    }
    made = []
    for offset, (surface, port) in enumerate(sorted(ports.items(), reverse=True)):
        metrics = (
            {"CORDON_METRICS_PORT": str(settings.metrics_port + offset)} if settings.metrics_port else {}
        )
        argv = [*command, "serve", "--surface", surface, "--port", str(port)]
        host = _reachable(settings.bind_host)
        made.append(Child(surface, argv, shared | metrics, ready=f"http://{host}:{port}/readyz"))
    return [*made, *_workers(settings, [*command, "worker"], shared)]


def _workers(settings: Settings, command: list[str], shared: Mapping[str, str]) -> list[Child]:
    """One for what is short, so that nobody waits behind the coding of footage, and one for that."""
    kinds = {
        "worker-1": (["--without", MEDIA_QUEUE], max(SHORT_JOBS, settings.worker_concurrency)),
        "worker-2": (
            ["--queues", MEDIA_QUEUE],
            max(len(os.sched_getaffinity(0)) // 2, settings.worker_concurrency),
        ),
    }
    return [
        Child(name, [*command, *options], {**shared, "CORDON_WORKER_CONCURRENCY": str(jobs)})
        for name, (options, jobs) in kinds.items()
    ]


def _address(settings: Settings, environ: Mapping[str, str], surface: str, port: int | None) -> str:
    """The surface's public address: the one that was set, or this machine's with the port that was asked for."""
    name = f"CORDON_{surface.upper()}_URL"
    known = settings.staff_url if surface == "staff" else settings.partner_url
    return known if port is None or environ.get(name) else f"http://127.0.0.1:{port}"


def _reachable(bind_host: str) -> str:
    """An address of this machine at which a server bound to `bind_host` answers."""
    if bind_host in ("0.0.0.0", "::"):  # noqa: S104 - compared, not bound
        return "127.0.0.1"
    return f"[{bind_host}]" if ":" in bind_host else bind_host


def _check_free(host: str, port: int, surface: str) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise SettingsError(
                f"cannot listen on {host}:{port} ({error.strerror}): choose another --{surface}-port"
            ) from None


@contextmanager
def _alone(home: Path) -> Iterator[Path]:
    """The directory of the running service's own files. Raises SettingsError where one runs on this home."""
    run_dir = home / "run"
    run_dir.mkdir(mode=0o700, exist_ok=True)
    with (run_dir / "lock").open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SettingsError(f"'cordon run' already runs on {home}: stop it first") from None
        yield run_dir


@contextmanager
def _database(settings: Settings) -> Iterator[str]:
    """The database's URL; an embedded server is started, and started again should it die."""
    if settings.database_url:
        yield settings.database_url
        return
    with EmbeddedPostgres(settings.home) as server:
        over = threading.Event()
        watch = threading.Thread(target=_keep_running, args=(server, over), name="database", daemon=True)
        watch.start()
        try:
            yield server.start()
        finally:
            over.set()
            watch.join()


def _prepare(url: str) -> None:
    """Migrates and fills the database, unless that was done: then this takes milliseconds, not seconds."""
    if migrate.current(url) == migrate.head() and _was_filled(url):
        return
    from app.accounts.commands.setup import prepare_database

    prepare_database(url)


def _was_filled(url: str) -> bool:
    with psycopg.connect(url.replace("+psycopg", "", 1), connect_timeout=10) as connection:
        found = connection.execute("SELECT 1 FROM audit_events WHERE tag = %s LIMIT 1", [Tag.SYSTEM_INIT])
        return found.fetchone() is not None


def _keep_running(server: EmbeddedPostgres, over: threading.Event) -> None:
    while not over.wait(DATABASE_CHECK_SECONDS):
        if server.running:
            continue
        log.warning("the database died: starting it again")
        try:
            server.start()
        except EmbeddedPostgresError:
            log.exception("the database does not start")
