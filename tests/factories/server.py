"""A surface under gunicorn and a worker, each in a process of its own, for tests that cut and kill."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests
from flask import Flask

from app.settings import Settings

ROOT = Path(__file__).resolve().parents[2]


def staff() -> Flask:
    """What gunicorn serves: the staff surface of the environment's settings."""
    from app.factory import create_app

    return create_app(Settings.from_environ(), "staff")


def partner() -> Flask:
    """The partner surface of the environment's settings."""
    from app.factory import create_app

    return create_app(Settings.from_environ(), "partner")


def free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment(settings: Settings, **more: str) -> dict[str, str]:
    """The environment of a process of the service with these settings."""
    return {
        "PATH": os.environ.get("PATH", ""),
        "HOME": str(settings.home),
        "CORDON_HOME": str(settings.home),
        "CORDON_SECRET_KEY": settings.secret_key,
        "CORDON_DATABASE_URL": settings.database_url or "",
        "CORDON_STORAGE_URL": settings.storage_url,
        "PYTHONPATH": str(ROOT),
    } | more


@contextmanager
def gunicorn(settings: Settings, *, threads: int = 8) -> Iterator[str]:
    """Serves the staff surface; yields its address."""
    with gunicorn_process(settings, threads=threads) as (address, _):
        yield address


@contextmanager
def gunicorn_process(
    settings: Settings, *, threads: int = 8, surface: str = "staff", access_log: Path | None = None
) -> Iterator[tuple[str, int]]:
    """Serves one surface with one worker process; yields its address and that worker's id.

    `access_log` receives a line `method path status` for each request.
    """
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "gunicorn", f"tests.factories.server:{surface}()", "--no-control-socket"]
    command += ["-b", f"127.0.0.1:{port}", "-k", "gthread", "-w", "1", "--threads", str(threads)]
    if access_log is not None:
        command += ["--access-logfile", str(access_log), "--access-logformat", "%(m)s %(U)s %(s)s"]
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment(settings, **{f"CORDON_{surface.upper()}_URL": address}),
        preexec_fn=_end_with_parent,
    )
    try:
        _await(f"{address}/healthz", process)
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        yield address, int(children[0])
    finally:
        process.terminate()
        process.wait(30)


def _end_with_parent() -> None:
    """Asks the kernel to end this process with the test run (PR_SET_PDEATHSIG), however that ends."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def _await(address: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if requests.get(address, timeout=2).ok:
                return
        except (requests.ConnectionError, requests.Timeout):
            time.sleep(0.1)
    raise RuntimeError("the server did not start")


def start_worker(settings: Settings, log: Path) -> subprocess.Popen[bytes]:
    """A worker process in a session of its own; end it with `kill_worker`."""
    code = "from app.settings import Settings; from app.worker import main; main(Settings.from_environ())"
    with log.open("ab") as output:
        return subprocess.Popen(
            [sys.executable, "-c", code],
            cwd=ROOT,
            env=environment(settings),
            stdout=output,
            stderr=output,
            start_new_session=True,
            preexec_fn=_end_with_parent,
        )


def kill_worker(process: subprocess.Popen[bytes], number: int = signal.SIGKILL) -> None:
    """Ends the worker process alone: what it started must end by itself."""
    if process.poll() is None:
        process.send_signal(number)
    process.wait(30)
