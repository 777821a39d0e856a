"""The sandbox, against things that try: each test is an attempt that must fail."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ingest.errors import Cancelled, FileRejected, MachineFault
from ingest.ffmpeg import Completed, run
from ingest.policy import Policy


def policy(job_dir: Path, *, read: tuple[str, ...] = (), cpu: int = 20, size: int = 1 << 20) -> Policy:
    return Policy(read, (str(job_dir),), cpu_seconds=cpu, file_bytes=size, memory_bytes=1 << 30)


def shell(job_dir: Path, script: str, **kwargs: object) -> Completed:
    return run(["/bin/sh", "-c", script], job_dir=job_dir, policy=policy(job_dir, **kwargs), timeout=20)  # type: ignore[arg-type]


@pytest.fixture
def job_dir(tmp_path: Path) -> Path:
    folder = tmp_path / "job"
    folder.mkdir()
    return folder.resolve()


@pytest.fixture
def landlocked(job_dir: Path) -> None:
    shell(job_dir, "true")
    if "no Landlock" in (job_dir / "stderr.txt").read_text():
        pytest.skip("this kernel offers no Landlock")


@pytest.mark.usefixtures("landlocked")
def test_files_outside_the_job_can_be_neither_read_nor_written(tmp_path: Path, job_dir: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("another force's footage")
    assert "footage" not in shell(job_dir, f"cat {secret}").stdout.read_text()
    assert shell(job_dir, f"echo x > {tmp_path}/made.txt").status != 0
    assert not (tmp_path / "made.txt").exists()
    assert (
        shell(job_dir, f"cat {secret}", read=(str(secret),)).stdout.read_text() == "another force's footage"
    )
    assert shell(job_dir, "echo x > inside.txt").status == 0


@pytest.mark.usefixtures("landlocked")
def test_what_was_written_cannot_be_executed(job_dir: Path) -> None:
    script = 'echo "#!/bin/sh\necho ran" > tool; chmod +x tool; ./tool; true'
    assert "ran" not in shell(job_dir, script).stdout.read_text()


@pytest.mark.usefixtures("landlocked")
def test_no_socket_of_the_machine_is_reached(job_dir: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        done = run(
            ["/bin/bash", "-c", f"exec 3<>/dev/tcp/127.0.0.1/{port} && echo reached"],
            job_dir=job_dir,
            policy=policy(job_dir),
            timeout=20,
        )
    assert "reached" not in done.stdout.read_text()


def test_privileges_cannot_be_gained_and_the_workers_secrets_are_not_there(
    job_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CORDON_SECRET_KEY", "do-not-tell")
    done = shell(job_dir, "cat /proc/self/status; env", read=("/proc",))
    text = done.stdout.read_text()
    assert "NoNewPrivs:\t1" in text
    assert "do-not-tell" not in text


def test_a_full_file_and_a_burnt_processor_are_the_files_fault(job_dir: Path) -> None:
    with pytest.raises(FileRejected, match="space") as refusal:
        run(["/usr/bin/yes"], job_dir=job_dir, policy=policy(job_dir), timeout=20)
    assert refusal.value.reason_code == "too_costly"
    with pytest.raises(FileRejected, match="processor"):
        shell(job_dir, "while :; do :; done", cpu=1)


@pytest.mark.parametrize("answer", ["exit 255", ""])
def test_a_tool_that_answers_the_end_of_its_time_in_its_own_way_burnt_it(job_dir: Path, answer: str) -> None:
    """ffmpeg ends as if asked to; one in a loop does not end, and a second later the kernel kills it."""
    with pytest.raises(FileRejected, match="processor"):
        shell(job_dir, f"trap '{answer}' XCPU; while :; do :; done", cpu=2)


def test_a_tool_killed_from_outside_is_the_machines_fault(job_dir: Path) -> None:
    with pytest.raises(MachineFault, match="killed by signal 9"):
        shell(job_dir, "kill -9 $$")


def test_a_full_disk_is_the_machines_fault_whatever_the_tool_says(
    job_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its words lie on that disk: a tool may end well and have said half. (`full-disk` fills a real one.)"""
    monkeypatch.setattr("ingest.usage.ROOM_BYTES", 1 << 62)
    for status in (0, 1):
        with pytest.raises(MachineFault, match="no space"):
            shell(job_dir, f"exit {status}")


def test_time_out_kills_what_ignores_sigterm_and_its_children(job_dir: Path) -> None:
    script = "trap '' TERM; sleep 60 & echo $! > child.pid; wait"
    began = time.monotonic()
    with pytest.raises(FileRejected, match="more time"):
        run(["/bin/sh", "-c", script], job_dir=job_dir, policy=policy(job_dir), timeout=0.5)
    assert time.monotonic() - began < 5
    assert ends(int((job_dir / "child.pid").read_text()))


def test_cancelling_ends_the_process(job_dir: Path) -> None:
    with pytest.raises(Cancelled):
        run(
            ["/bin/sleep", "60"],
            job_dir=job_dir,
            policy=policy(job_dir),
            timeout=60,
            should_stop=lambda: True,
        )


def test_a_missing_tool_is_the_machines_fault(job_dir: Path) -> None:
    with pytest.raises(MachineFault, match="could not be started"):
        run(["/nonexistent/tool"], job_dir=job_dir, policy=policy(job_dir), timeout=20)


def test_the_tool_dies_with_its_worker(job_dir: Path) -> None:
    worker = f"""
from pathlib import Path
from ingest.ffmpeg import run
from ingest.policy import Policy
job = Path({str(job_dir)!r})
run(["/bin/sh", "-c", "echo $$ > tool.pid; exec sleep 60"], job_dir=job, timeout=60,
    policy=Policy((), (str(job),), 20, 1 << 20, 1 << 30))
"""
    root = Path(__file__).parents[3]
    process = subprocess.Popen([sys.executable, "-c", worker], cwd=root)
    try:
        recorded = job_dir / "tool.pid"
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and not (recorded.exists() and recorded.read_text().strip()):
            time.sleep(0.05)
        tool = int(recorded.read_text())
    finally:
        process.kill()
        process.wait()
    assert ends(tool)


def ends(pid: int) -> bool:
    """True once the process is gone (or a zombie nobody has reaped); waits five seconds at most."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
            if ") Z " in Path(f"/proc/{pid}/stat").read_text():
                return True
        except (ProcessLookupError, FileNotFoundError):
            return True
        time.sleep(0.05)
    os.kill(pid, signal.SIGKILL)
    return False
