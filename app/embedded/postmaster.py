"""The server process: is it there, start it, stop it.

PostgreSQL's own guard against two servers on one cluster is `postmaster.pid`. After a crash its process id may
have been given to a stranger (always so in containers that count from 1), and PostgreSQL then refuses to start; so a
file whose process is not this cluster's is removed, but only when no process still works in the data directory.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

from app.core.processes import die_with_parent
from app.embedded.binaries import Binaries
from app.embedded.errors import EmbeddedPostgresError
from app.embedded.places import Places

START_SECONDS = 120.0  # crash recovery replays the log before it answers
STOP_SECONDS = 60.0
POLL_SECONDS = 0.02
LOG_KEPT_BYTES = 1_000_000
READY = "ready"
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}


def run_as(uid: int | None) -> dict[str, object]:
    """What subprocess needs so that the program runs as the user `uid`, without our groups."""
    if uid is None:
        return {}
    return {"user": uid, "group": uid, "extra_groups": []}


def live_pid(data: Path) -> int | None:
    """The process id of this cluster's server, or None when none runs."""
    lines = _pid_file(data)
    if not lines or not lines[0].isdigit():
        return None
    pid = int(lines[0])
    return pid if _works_in(pid, data) else None


def start(binaries: Binaries, places: Places, *, with_parent: bool) -> subprocess.Popen[bytes]:
    """Starts the server and waits until it accepts connections. The caller holds the start lock."""
    _forget_stranger(places.data)
    command = [
        *(str(binaries.tool("postgres")), "-D", str(places.data)),
        *("-c", "listen_addresses="),
        *("-c", f'unix_socket_directories="{places.socket_dir}"'),
        *("-c", "unix_socket_permissions=0700"),
    ]
    fresh = not places.log.exists() or places.log.stat().st_size > LOG_KEPT_BYTES
    with places.log.open("wb" if fresh else "ab") as log:
        process = subprocess.Popen(  # type: ignore[call-overload]
            command,
            cwd=places.base,
            env=ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # Ctrl-C is for the supervisor, which stops the database last
            preexec_fn=die_with_parent(signal.SIGINT) if with_parent else None,  # noqa: PLW1509 - one prctl call
            **run_as(places.uid),
        )
    _await_ready(process, places)
    return process  # type: ignore[no-any-return]


def stop(data: Path, pid: int) -> None:
    """Fast shutdown: open transactions are rolled back, the log is flushed. Raises when it does not end."""
    os.kill(pid, signal.SIGINT)
    deadline = time.monotonic() + STOP_SECONDS
    while live_pid(data) == pid:
        if time.monotonic() > deadline:
            raise EmbeddedPostgresError(
                f"the embedded database (process {pid}) did not stop in {STOP_SECONDS:.0f} s"
            )
        time.sleep(POLL_SECONDS)


def _await_ready(process: subprocess.Popen[bytes], places: Places) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        lines = _pid_file(places.data)
        if len(lines) >= 8 and lines[0] == str(process.pid) and lines[7].strip() == READY:
            return
        if process.poll() is not None:
            raise EmbeddedPostgresError(f"the embedded database did not start: {last_words(places.log)}")
        if time.monotonic() > deadline:
            process.send_signal(signal.SIGINT)
            raise EmbeddedPostgresError(
                f"the embedded database was not ready in {START_SECONDS:.0f} s: {places.log}"
            )
        time.sleep(POLL_SECONDS)


def last_words(log: Path) -> str:
    """The last line of the log that says what was wrong, else its last line, and where the rest is."""
    lines = log.read_text(errors="replace").strip().splitlines() or ["it said nothing"]
    wrong = [line for line in lines[-20:] if "FATAL" in line or "PANIC" in line or "error" in line.lower()]
    return f"{(wrong or lines)[-1].strip()} (see {log})"


def _pid_file(data: Path) -> list[str]:
    """Lines: pid, data directory, start time, port, socket directory, listen address, memory key, status."""
    try:
        return (data / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return []


def _works_in(pid: int, data: Path) -> bool:
    """Whether the process's working directory is the data directory, as every PostgreSQL process's is."""
    if not Path("/proc/self").exists():  # no procfs (macOS): trust the file, as pg_ctl does
        return _exists(pid)
    try:
        return Path(f"/proc/{pid}/cwd").samefile(data)
    except OSError:
        return False


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _forget_stranger(data: Path) -> None:
    """Removes a stale `postmaster.pid` once the crashed server's last children, if any, have gone."""
    if not (data / "postmaster.pid").exists() or not Path("/proc/self").exists():
        return
    deadline = time.monotonic() + STOP_SECONDS
    while left := [pid for pid in _process_ids() if _works_in(pid, data)]:
        if time.monotonic() > deadline:
            raise EmbeddedPostgresError(
                f"a crashed database's process {left[0]} still runs: end it, then try again"
            )
        time.sleep(POLL_SECONDS)
    (data / "postmaster.pid").unlink(missing_ok=True)


def _process_ids() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
