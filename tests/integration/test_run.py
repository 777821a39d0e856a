"""`cordon init`, `doctor` and `run` as an operator uses them: the installed command, from an empty home."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from app.embedded import EmbeddedPostgres
from tests.factories.server import free_port

START_SECONDS = 90
Environment = dict[str, str]
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("run")]


@pytest.fixture
def environment(tmp_path: Path) -> Iterator[Environment]:
    """The environment of an operator with an empty home; its database is removed in the end."""
    home = tmp_path / "home"
    yield {k: v for k, v in os.environ.items() if not k.startswith("CORDON_")} | {"CORDON_HOME": str(home)}
    if (home / "postgres").is_dir():
        EmbeddedPostgres(home).destroy()


def _cordon(environment: Environment, *argv: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "app.cli", *argv]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)


class Running:
    """`cordon run` on two free ports."""

    def __init__(self, environment: Environment, log: Path) -> None:
        self.home = Path(environment["CORDON_HOME"])
        self.log = log
        staff, partner, self.metrics = free_port(), free_port(), free_port()
        self.staff, self.partner = f"http://127.0.0.1:{staff}", f"http://127.0.0.1:{partner}"
        argv = ["run", "--staff-port", str(staff), "--partner-port", str(partner)]
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "app.cli", *argv],
                env=environment | {"CORDON_METRICS_PORT": str(self.metrics)},
                stdout=output,
                stderr=output,
            )

    def state(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.home / "run" / "supervisor.json").read_text())["children"]
        return found

    def wait_for(self, what: str) -> None:
        """Waits until the log says so."""
        deadline = time.monotonic() + START_SECONDS
        while what not in self.log.read_text():
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.1)

    def end(self) -> int:
        self.process.terminate()
        return self.process.wait(60)


@pytest.fixture
def running(environment: Environment, tmp_path: Path) -> Iterator[Running]:
    service = Running(environment, tmp_path / "run.log")
    yield service
    if service.process.poll() is None:
        service.end()


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _answers(url: str) -> bool:
    try:
        return requests.get(f"{url}/readyz", timeout=10).ok
    except requests.ConnectionError:
        return False


def test_an_empty_home_becomes_a_service_that_heals_and_stops_cleanly(running: Running) -> None:
    running.wait_for(f"Cordon is ready: staff {running.staff}, partners {running.partner}")
    for url in (running.staff, running.partner):
        assert requests.get(f"{url}/readyz", timeout=10).json() == {"status": "ready"}
    assert requests.get(f"{running.staff}/sign-in", timeout=10).status_code == 200
    assert requests.get(f"{running.partner}/recordings", timeout=10).status_code == 404
    taken = 'cordon_http_requests_total{method="GET",route="/readyz",status="200"}'
    assert taken in requests.get(f"http://127.0.0.1:{running.metrics}/metrics", timeout=10).text
    before = running.state()
    assert sorted(before) == ["partner", "staff", "worker-1", "worker-2"]

    os.kill(before["partner"]["pid"], signal.SIGKILL)
    deadline = time.monotonic() + START_SECONDS
    while running.state()["partner"]["restarts"] == 0 or not _answers(running.partner):
        assert time.monotonic() < deadline, running.log.read_text()
        time.sleep(0.1)

    pids = [child["pid"] for child in running.state().values()]
    assert running.end() == 0
    assert not [pid for pid in pids if _alive(pid)]
    assert not (running.home / "run" / "supervisor.json").exists()
    assert not EmbeddedPostgres(running.home).running


def test_init_then_doctor(environment: Environment) -> None:
    missing = _cordon(environment, "doctor", "--json")
    assert missing.returncode == 1
    assert {f["check"]: f["level"] for f in json.loads(missing.stdout)}["settings"] == "fail"

    made = _cordon(environment, "init", "--admin-email", "sam@example.org", "--json")
    assert made.returncode == 0, made.stderr
    assert json.loads(made.stdout)["admin"]["activation_code"]
    report = _cordon(environment, "doctor", "--json")
    findings = {f["check"]: f for f in json.loads(report.stdout)}
    assert {name for name, f in findings.items() if f["level"] == "fail"} <= {"front end", "disk"}
    assert findings["database"]["level"] == findings["storage"]["level"] == findings["keys"]["level"] == "ok"
    assert findings["redaction"]["level"] == "ok"

    (Path(environment["CORDON_HOME"]) / "keys" / "master.key").chmod(0o644)
    (loose,) = [
        f for f in json.loads(_cordon(environment, "doctor", "--json").stdout) if f["check"] == "keys"
    ]
    assert loose["level"] == "fail"
    assert "master.key" in loose["detail"]
    assert loose["advice"].startswith("chmod")


def test_serving_without_keys_says_what_to_do(environment: Environment) -> None:
    done = _cordon(environment, "serve", "--surface", "staff")
    assert (done.returncode, done.stderr.count("\n")) == (78, 1)
    assert "cordon init" in done.stderr
