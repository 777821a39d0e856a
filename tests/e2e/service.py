"""The service as an operator runs it, for the browser: `cordon init`, `cordon run`, and commands of its people."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests
from passlib.totp import TOTP

from tests.factories.server import free_port

CORDON = Path(sys.executable).parent / "cordon"
READY_SECONDS = 90
CLIP_SECONDS = 6
SLOWEST_ANSWER = 4


@dataclass(frozen=True)
class Service:
    """A running service: its two addresses, the environment of its commands, the first activation code."""

    staff: str
    partner: str
    environment: dict[str, str]
    folder: Path
    activation_code: str

    def command(self, *argv: str | Path, **more: str) -> str:
        """One `cordon` command's output. Raises AssertionError with what it said when it failed."""
        return _run(self.environment | more, *argv)

    @property
    def log(self) -> str:
        return (self.folder / "service.log").read_text()


@contextmanager
def running_service(folder: Path) -> Iterator[Service]:
    """Sets up and starts everything on free ports of this machine; stops it afterwards."""
    staff, partner = (f"http://127.0.0.1:{free_port()}" for _ in range(2))
    environment = {k: v for k, v in os.environ.items() if not k.startswith("CORDON_")}
    environment |= {
        "CORDON_HOME": str(folder / "home"),
        "CORDON_STAFF_URL": staff,
        "CORDON_PARTNER_URL": partner,
        "CORDON_CLIP_SECONDS": str(CLIP_SECONDS),
        "NO_COLOR": "1",
    }
    made = json.loads(_run(environment, "init", "--admin-email", "admin@operator.example", "--json"))
    with (folder / "service.log").open("wb") as log:
        process = subprocess.Popen(
            [CORDON, "run"], env=environment, stdout=log, stderr=log, stdin=subprocess.DEVNULL
        )
    try:
        for address in (staff, partner):
            _await(address, process, folder / "service.log")
        yield Service(staff, partner, environment, folder, made["admin"]["activation_code"])
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def make_film(path: Path, seconds: int) -> Path:
    """The synthetic range exercise, whose facts lie beside it."""
    command = [sys.executable, "-m", "ingest.sample", str(path), "--seconds", str(seconds)]
    subprocess.run(command, check=True, timeout=120, capture_output=True)
    return path


def _run(environment: dict[str, str], *argv: str | Path) -> str:
    done = subprocess.run(
        [CORDON, *map(str, argv)], env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, f"cordon {argv[0]}: {done.stderr or done.stdout}"
    return done.stdout


def _await(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if requests.get(f"{address}/readyz", timeout=2).ok:
                return
        except (requests.ConnectionError, requests.Timeout):
            time.sleep(0.1)
    raise AssertionError(f"the service did not start:\n{log.read_text()[-3000:]}")


def totp(secret: str, offset: int = 0) -> str:
    """What the authenticator shows now, or `offset` steps from now (RFC 6238).

    A code is good one step early or late; the one of the step before is not asked for at the step's very end.
    """
    left = 30 - time.time() % 30
    if offset < 0 and left < SLOWEST_ANSWER:
        time.sleep(left + 0.1)
    return str(TOTP(key=secret, format="base32").generate(time=int(time.time()) + 30 * offset).token)
