"""Keeps the parts of an embedded service running: starts them, restarts what dies, stops all together.

A child that dies is started again after a pause that doubles up to a cap and falls back once the child has stood for
a while. One that exits with EX_CONFIG (78, sysexits.h) says that trying again is useless: everything stops, and the
supervisor exits with that code. Children are told to end (SIGTERM) by the kernel if the supervisor itself is killed.
"""

from __future__ import annotations

import http.client
import json
import logging
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from urllib.parse import urlsplit

from app.core.processes import die_with_parent

EX_CONFIG = 78
TICK_SECONDS = 0.1
READY_TIMEOUT_SECONDS = 1.0

log = logging.getLogger("cordon.supervisor")


@dataclass(frozen=True, slots=True)
class Child:
    """One part: `env` is added to the supervisor's own; `ready` is an address that answers 200, or a function."""

    name: str
    argv: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)
    ready: str | Callable[[], bool] | None = None


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait for what, in seconds."""

    first_pause: float = 0.5
    longest_pause: float = 30.0
    stable: float = 30.0
    stop: float = 20.0


class _Running:
    """A child's present process and its history."""

    def __init__(self, child: Child, patience: Patience) -> None:
        self.child = child
        self.restarts = 0
        self.ready = False
        self.process: subprocess.Popen[bytes] | None = None
        self._patience = patience
        self._pause = patience.first_pause
        self._started_at = 0.0
        self._start_after = 0.0

    def start_if_due(self) -> bool:
        """Starts the process unless it runs or its pause is not over. True when it was started."""
        if self.process is not None or time.monotonic() < self._start_after:
            return False
        self.ready = self.child.ready is None
        self._started_at = time.monotonic()
        try:
            self.process = subprocess.Popen(
                list(self.child.argv),
                env={**os.environ, **self.child.env},
                stdin=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C reaches the supervisor alone
                preexec_fn=die_with_parent(signal.SIGTERM),  # noqa: PLW1509 - one prctl call
            )
        except OSError as error:
            log.warning("cannot start", extra={"child": self.child.name, "reason": error.strerror})
            self._wait_longer()
            return False
        log.info("started", extra={"child": self.child.name, "pid": self.process.pid})
        return True

    def exit_code(self) -> int | None:
        """The code of a process that has just ended, once; negative for a signal."""
        if self.process is None or (code := self.process.poll()) is None:
            return None
        self.process, self.ready = None, False
        if time.monotonic() - self._started_at >= self._patience.stable:
            self._pause = self._patience.first_pause
        self.restarts += 1
        log.warning("ended", extra={"child": self.child.name, "code": code, "again_in_s": self._pause})
        self._wait_longer()
        return code

    def became_ready(self) -> bool:
        """Asks a running child that was not ready yet. True at the moment it first is."""
        if self.ready or self.process is None or self.child.ready is None:
            return False
        ask = self.child.ready
        self.ready = _answers(ask) if isinstance(ask, str) else ask()
        return self.ready

    def signal_group(self, signum: signal.Signals) -> None:
        """Signals the child and what it started."""
        if self.process is not None and self.process.poll() is None:
            os.killpg(self.process.pid, signum)

    def _wait_longer(self) -> None:
        self._start_after = time.monotonic() + self._pause
        self._pause = min(self._pause * 2, self._patience.longest_pause)


class Supervisor:
    """Runs children until told to stop. `state_file` tells their process ids to whoever must find them."""

    def __init__(
        self,
        children: Sequence[Child],
        *,
        state_file: Path | None = None,
        patience: Patience | None = None,
        on_ready: Callable[[], None] | None = None,
    ) -> None:
        if len({child.name for child in children}) != len(children):
            raise ValueError("two children have one name")
        self._patience = patience or Patience()
        self._running = [_Running(child, self._patience) for child in children]
        self._state_file = state_file
        self._on_ready = on_ready
        self._stopping = threading.Event()

    def run(self) -> int:
        """Blocks until `stop`, SIGTERM or SIGINT (then 0), or a child's EX_CONFIG (then 78). Main thread only."""
        previous = {
            s: signal.signal(s, self._on_signal) for s in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
        }
        try:
            code = self._watch()
        finally:
            self._stop_all()
            for signum, handler in previous.items():
                signal.signal(signum, handler)
            if self._state_file is not None:
                self._state_file.unlink(missing_ok=True)
        return code

    def stop(self) -> None:
        """Ends `run` from another thread or a callback."""
        self._stopping.set()

    def _on_signal(self, signum: int, _frame: FrameType | None) -> None:
        log.info("stopping", extra={"signal": signal.Signals(signum).name})
        self._stopping.set()

    def _watch(self) -> int:
        announced = False
        while not self._stopping.is_set():
            codes = [running.exit_code() for running in self._running]
            if EX_CONFIG in codes:
                name = self._running[codes.index(EX_CONFIG)].child.name
                log.error("a part cannot run as configured: all stops", extra={"child": name})
                return EX_CONFIG
            started = [running.start_if_due() for running in self._running]
            readied = [running.became_ready() for running in self._running]
            if any(started) or any(readied) or any(code is not None for code in codes):
                self._write_state()
            if not announced and all(running.ready for running in self._running):
                announced = True
                log.info("all parts are ready")
                if self._on_ready is not None:
                    self._on_ready()
            self._stopping.wait(TICK_SECONDS)
        return 0

    def _stop_all(self) -> None:
        for running in reversed(self._running):
            running.signal_group(signal.SIGTERM)
        deadline = time.monotonic() + self._patience.stop
        for running in self._running:
            if running.process is None:
                continue
            try:
                running.process.wait(timeout=max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                log.warning("killed: it did not stop in time", extra={"child": running.child.name})
                running.signal_group(signal.SIGKILL)
                running.process.wait()

    def _write_state(self) -> None:
        if self._state_file is None:
            return
        children = {
            running.child.name: {
                "pid": running.process.pid if running.process else None,
                "ready": running.ready,
                "restarts": running.restarts,
            }
            for running in self._running
        }
        staging = self._state_file.with_name(f".{self._state_file.name}.new")
        staging.write_text(json.dumps({"pid": os.getpid(), "children": children}))
        staging.replace(self._state_file)


def _answers(url: str) -> bool:
    """Whether a plain HTTP address on this machine answers 200 (no proxy is asked)."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(
        parts.hostname or "127.0.0.1", parts.port or 80, timeout=READY_TIMEOUT_SECONDS
    )
    try:
        connection.request("GET", parts.path or "/")
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
