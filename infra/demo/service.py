"""The service as separate processes, started and stopped as an operator would: `cordon init`, `cordon run`."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import requests
from api import JourneyFailed

START_SECONDS = 90


def cordon_executable() -> str:
    """The installed command beside this Python."""
    path = Path(sys.executable).parent / "cordon"
    if not path.exists():
        raise JourneyFailed(f"{path} is missing: run 'make setup'")
    return str(path)


def free_port() -> int:
    """A port of the loopback address that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Commands:
    """Runs installed commands in one environment."""

    def __init__(self, home: Path) -> None:
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith("CORDON_")}
        self.environment |= {"CORDON_HOME": str(home), "NO_COLOR": "1"}

    def run(self, *argv: str | Path, status: int | tuple[int, ...] = 0, **environment: str) -> str:
        """One `cordon` command; its standard output. Raises JourneyFailed unless it ends with a `status`."""
        return self.program([cordon_executable(), *map(str, argv)], status=status, **environment)

    def json(self, *argv: str | Path, **environment: str) -> Any:
        """One `cordon … --json` command's document."""
        return json.loads(self.run(*argv, "--json", **environment))

    def program(self, argv: list[str], *, status: int | tuple[int, ...] = 0, **environment: str) -> str:
        """Any program in this environment."""
        done = subprocess.run(
            argv, env=self.environment | environment, capture_output=True, text=True, timeout=600, check=False
        )
        if done.returncode not in (status if isinstance(status, tuple) else (status,)):
            name = " ".join(Path(argv[0]).name if i == 0 else a for i, a in enumerate(argv[:6]))
            raise JourneyFailed(
                f"'{name}' ended with {done.returncode}, not {status}: {(done.stderr or done.stdout)[-1500:]}"
            )
        return done.stdout


class Service:
    """`cordon run` in a process group of its own, on free ports of the loopback address."""

    def __init__(self, commands: Commands, log_file: Path) -> None:
        self.staff = f"http://127.0.0.1:{free_port()}"
        self.partner = f"http://127.0.0.1:{free_port()}"
        commands.environment |= {"CORDON_STAFF_URL": self.staff, "CORDON_PARTNER_URL": self.partner}
        self._commands = commands
        self._log_file = log_file
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> float:
        """Starts everything and waits until both surfaces are ready; returns the seconds it took."""
        started = time.monotonic()
        ports = [
            "--staff-port",
            self.staff.rpartition(":")[2],
            "--partner-port",
            self.partner.rpartition(":")[2],
        ]
        with self._log_file.open("ab") as log:
            self._process = subprocess.Popen(
                [cordon_executable(), "run", *ports],
                env=self._commands.environment,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
            )
        for url in (self.staff, self.partner):
            self._wait_ready(url, started + START_SECONDS)
        return time.monotonic() - started

    def _wait_ready(self, url: str, deadline: float) -> None:
        while time.monotonic() < deadline:
            if self._process is None or self._process.poll() is not None:
                raise JourneyFailed(
                    f"'cordon run' ended: see {self._log_file}\n{self._log_file.read_text()[-2000:]}"
                )
            try:
                if requests.get(f"{url}/readyz", timeout=5).ok:
                    return
            except requests.ConnectionError:
                time.sleep(0.1)
        raise JourneyFailed(f"{url} was not ready in {START_SECONDS} s: see {self._log_file}")

    def stop(self) -> None:
        """Stops everything; waits until it is gone."""
        if self._process is None or self._process.poll() is not None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
