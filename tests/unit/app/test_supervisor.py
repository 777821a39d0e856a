"""The supervisor over tiny real processes: restarts, backs off, stops, gives up."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from app.supervisor import EX_CONFIG, Child, Patience, Supervisor

QUICK = Patience(first_pause=0.05, longest_pause=0.2, stable=5.0, stop=0.5)
SLEEPER = (sys.executable, "-c", "import time; time.sleep(60)")
DEAF = """
import signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
open(sys.argv[1], "w").close()
time.sleep(60)
"""


def until(true: Callable[[], object], seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def running_as(script: str, *arguments: str | Path) -> subprocess.Popen[bytes]:
    """A supervisor in a process of its own, as signals need it."""
    return subprocess.Popen([sys.executable, "-c", script, *map(str, arguments)])


def state(path: Path) -> dict[str, Any]:
    try:
        content: dict[str, Any] = json.loads(path.read_text())["children"]
    except FileNotFoundError:
        content = {}
    return content


@contextmanager
def then_stopped(supervisor: Supervisor, after: Callable[[], None]) -> Iterator[None]:
    """Runs `after` beside the supervisor and stops it; its failure fails the test."""
    failures: list[BaseException] = []

    def watch() -> None:
        try:
            after()
        except BaseException as error:
            failures.append(error)
        finally:
            supervisor.stop()

    thread = threading.Thread(target=watch)
    thread.start()
    yield
    thread.join()
    if failures:
        raise failures[0]


def test_killed_child_is_started_again_and_all_stop(tmp_path: Path) -> None:
    file = tmp_path / "state.json"
    supervisor = Supervisor([Child("a", SLEEPER), Child("b", SLEEPER)], state_file=file, patience=QUICK)
    pids: dict[str, int] = {}

    def kill_one() -> None:
        until(lambda: len(state(file)) == 2 and state(file)["b"]["pid"])
        first = state(file)
        os.kill(first["a"]["pid"], signal.SIGKILL)
        until(lambda: state(file)["a"]["pid"] not in (None, first["a"]["pid"]))
        second = state(file)
        assert second["a"]["restarts"] == 1
        assert second["b"] == first["b"]
        pids.update({name: entry["pid"] for name, entry in second.items()})

    with then_stopped(supervisor, kill_one):
        assert supervisor.run() == 0
    assert not any(alive(pid) for pid in pids.values())
    assert not file.exists()


def test_pauses_grow_to_the_cap(tmp_path: Path) -> None:
    journal = tmp_path / "starts"
    script = "import sys, time; print(time.monotonic(), file=open(sys.argv[1], 'a')); sys.exit(1)"
    supervisor = Supervisor(
        [Child("crashes", (sys.executable, "-S", "-c", script, str(journal)))],
        patience=Patience(first_pause=0.2, longest_pause=0.8, stable=5.0, stop=0.5),
    )

    def starts() -> list[float]:
        return [float(line) for line in journal.read_text().splitlines()] if journal.exists() else []

    with then_stopped(supervisor, lambda: until(lambda: len(starts()) >= 5)):
        supervisor.run()
    gaps = [later - earlier for earlier, later in zip(starts(), starts()[1:], strict=False)]
    assert gaps[0] >= 0.2
    assert gaps[1] >= 0.4
    assert all(gap >= 0.8 for gap in gaps[2:4])
    assert gaps[3] < 2.0


def test_configuration_error_stops_everything(tmp_path: Path) -> None:
    file = tmp_path / "state.json"
    started: list[int] = []

    def fails_once_other_is_up() -> bool:
        started.append(state(file).get("ok", {}).get("pid") or 0)
        return True

    supervisor = Supervisor(
        [
            Child("ok", SLEEPER, ready=fails_once_other_is_up),
            Child(
                "misconfigured", (sys.executable, "-c", f"import time; time.sleep(0.5); exit({EX_CONFIG})")
            ),
        ],
        state_file=file,
        patience=QUICK,
    )
    assert supervisor.run() == EX_CONFIG
    assert started
    assert not any(alive(pid) for pid in started if pid)


def test_child_that_ignores_the_signal_is_killed(tmp_path: Path) -> None:
    up = tmp_path / "up"
    file = tmp_path / "state.json"
    supervisor = Supervisor(
        [Child("deaf", (sys.executable, "-c", DEAF, str(up)))], state_file=file, patience=QUICK
    )
    pids: list[int] = []

    def wait_until_deaf() -> None:
        until(up.exists)
        pids.append(state(file)["deaf"]["pid"])

    began = time.monotonic()
    with then_stopped(supervisor, wait_until_deaf):
        supervisor.run()
    assert not alive(pids[0])
    assert time.monotonic() - began < 8


def test_ready_address_is_asked_until_it_answers() -> None:
    asked: list[str] = []

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200 if len(asked) > 2 else 503)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Says nothing: the test's output stays readable."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    ready = threading.Event()
    supervisor = Supervisor(
        [Child("web", SLEEPER, ready=f"http://127.0.0.1:{server.server_port}/readyz")],
        patience=QUICK,
        on_ready=ready.set,
    )
    try:
        with then_stopped(supervisor, lambda: until(ready.is_set)):
            assert supervisor.run() == 0
    finally:
        server.shutdown()
        server.server_close()
    assert asked == ["/readyz"] * 3


def test_program_that_is_not_there_is_tried_again(caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    program = tmp_path / "late"
    supervisor = Supervisor(
        [Child("late", [str(program)])], patience=QUICK, state_file=tmp_path / "state.json"
    )

    def install_it() -> None:
        until(lambda: "cannot start" in caplog.text)
        staging = tmp_path / "staging"
        staging.write_text("#!/bin/sh\nexec sleep 60\n")
        staging.chmod(0o755)
        staging.rename(program)
        until(lambda: state(tmp_path / "state.json").get("late", {}).get("pid"))

    with then_stopped(supervisor, install_it):
        assert supervisor.run() == 0


SCRIPT = """
import sys; from pathlib import Path; from app.supervisor import Child, Supervisor
child = Child("c", [sys.executable, "-c", "import time; time.sleep(60)"], env={"CORDON_TEST": "1"})
sys.exit(Supervisor([child], state_file=Path(sys.argv[1])).run())
"""


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_signal_stops_the_children_and_exits_zero(tmp_path: Path, signum: signal.Signals) -> None:
    file = tmp_path / "state.json"
    with running_as(SCRIPT, file) as process:
        until(lambda: state(file).get("c", {}).get("pid"))
        pid = state(file)["c"]["pid"]
        assert b"CORDON_TEST=1" in Path(f"/proc/{pid}/environ").read_bytes()
        process.send_signal(signum)
        assert process.wait(timeout=10) == 0
    assert not alive(pid)


def test_killed_supervisor_takes_its_children_along(tmp_path: Path) -> None:
    file = tmp_path / "state.json"
    with running_as(SCRIPT, file) as process:
        until(lambda: state(file).get("c", {}).get("pid"))
        pid = state(file)["c"]["pid"]
        process.kill()
        process.wait(timeout=10)
    until(lambda: not alive(pid) or Path(f"/proc/{pid}/stat").read_text().split()[2] == "Z")


def test_names_are_unique() -> None:
    with pytest.raises(ValueError, match="one name"):
        Supervisor([Child("a", SLEEPER), Child("a", SLEEPER)])
