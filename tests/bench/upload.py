"""Receiving an upload, against the least that any server must do: copy a socket to a file and hash it.

The same client (sendfile from a file to a loopback socket) feeds both, in turn. Ours is one tus PATCH under gunicorn
gthread with authentication, quota, locks, SHA-256 for each block, fdatasync and offsets committed to PostgreSQL; the
peer does nothing but `recv_into`, `sha256.update`, `write`.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import resource
import secrets
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests

from app.core.db import Database
from app.core.identity import Role
from app.core.migrate import upgrade
from app.embedded import EmbeddedPostgres
from app.settings import Settings
from app.storage.keys import generate_key_file
from tests.bench.rows import Goal, compare
from tests.factories.accounts import bearer, make_person
from tests.factories.exercises import make_exercise
from tests.factories.server import ROOT, free_port, gunicorn_process

SIZE = int(os.environ.get("BENCH_UPLOAD_BYTES", 512 * 2**20))
RUNS = 5
PEER = "bare socket-to-file copy with SHA-256"
READ = 2**20


@dataclass(frozen=True)
class Taken:
    """One transfer: seconds on the wall, CPU seconds of the receiving process."""

    wall: float
    cpu: float


def run() -> list[dict[str, Any]]:
    """Measures both and returns the rows of `make bench`."""
    with tempfile.TemporaryDirectory(prefix="bench-upload-") as name:
        folder = Path(name)
        source = _random_file(folder / "source", SIZE)
        with _staff(folder) as (receive_ours, _):
            receive_ours(source)
            bare_copy_once(folder, source)
            pairs = [(receive_ours(source), bare_copy_once(folder, source)) for _ in range(RUNS)]
    ours, peer = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    data = f"{SIZE / 2**20:g} MiB of random bytes over loopback, one PATCH"
    shared: dict[str, Any] = {"peer_name": PEER, "data": data}
    return [
        compare(
            "upload throughput",
            "MB/s",
            *([SIZE / 1e6 / taken.wall for taken in side] for side in (ours, peer)),
            goal=Goal("≥", 0.7),
            **shared,
        ),
        compare(
            "upload server CPU",
            "s/GB",
            *([taken.cpu / (SIZE / 1e9) for taken in side] for side in (ours, peer)),
            goal=Goal("≤", 1.5),
            **shared,
        ),
    ]


def bare_copy_once(folder: Path, source: Path) -> Taken:
    """The peer in a process of its own receives the file once."""
    port = free_port()
    code = (
        f"from tests.bench.upload import serve_bare_copy; serve_bare_copy({str(folder / 'bare')!r}, {port})"
    )
    command = [sys.executable, "-c", code]
    environ = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, cwd=ROOT, env=environ, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()  # it listens
        started = time.perf_counter()
        with socket.create_connection(("127.0.0.1", port)) as sock:
            _send_file(sock, source)
            sock.shutdown(socket.SHUT_WR)
            sock.recv(1)
        wall = time.perf_counter() - started
        answer = json.loads(process.stdout.readline())
    (folder / "bare").unlink()
    return Taken(wall, answer["cpu"])


def serve_bare_copy(target: str, port: int) -> None:
    """The peer itself: one connection to one file, hashed; prints its own CPU seconds."""
    with socket.create_server(("127.0.0.1", port)) as server:
        print("listening", flush=True)
        connection, _ = server.accept()
        before = _own_cpu()
        digest, buffer = hashlib.sha256(), memoryview(bytearray(READ))
        with connection, open(target, "wb", buffering=0) as file:
            while got := connection.recv_into(buffer):
                digest.update(buffer[:got])
                file.write(buffer[:got])
            connection.sendall(b"k")
        print(json.dumps({"cpu": _own_cpu() - before, "sha256": digest.hexdigest()}), flush=True)


def _own_cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


@contextmanager
def _staff(folder: Path) -> Iterator[tuple[Callable[[Path], Taken], Settings]]:
    """The staff surface on a database of its own; yields a function that uploads a file once."""
    home = folder / "home"
    (home / "keys").mkdir(parents=True)
    generate_key_file(home / "keys" / "master.key")
    server = EmbeddedPostgres(folder / "pg")
    try:
        url = server.start()
        upgrade(url)
        secret = base64.b64encode(secrets.token_bytes(32)).decode()
        settings = Settings.from_environ(
            {"CORDON_HOME": str(home), "CORDON_SECRET_KEY": secret, "CORDON_DATABASE_URL": url}
        )
        database = Database(url)
        with database.transaction() as session:
            person = make_person(session, roles=[Role.DATA_OFFICER])
            headers = bearer(session, person)
            exercise = make_exercise(session, organisation_id=person.organisation_id).id
        with gunicorn_process(settings) as (address, pid):
            said = f"exercise {base64.b64encode(str(exercise).encode()).decode()}"
            creation = headers | {"Tus-Resumable": "1.0.0", "Upload-Metadata": said}
            yield lambda source: _upload(address, pid, source, creation, settings), settings
        database.dispose()
    finally:
        server.destroy()


def _upload(address: str, pid: int, source: Path, headers: dict[str, str], settings: Settings) -> Taken:
    size = source.stat().st_size
    made = requests.post(
        f"{address}/api/v1/uploads", headers=headers | {"Upload-Length": str(size)}, timeout=30
    )
    made.raise_for_status()
    location, parts = urlsplit(made.headers["Location"]).path, urlsplit(address)
    lines = headers | {
        "Host": parts.netloc,
        "Content-Type": "application/offset+octet-stream",
        "Content-Length": str(size),
        "Upload-Offset": "0",
        "Connection": "close",
    }
    head = f"PATCH {location} HTTP/1.1\r\n" + "".join(f"{k}: {v}\r\n" for k, v in lines.items()) + "\r\n"
    cpu = _cpu_of(pid)
    started = time.perf_counter()
    with socket.create_connection((parts.hostname, parts.port)) as sock:
        sock.sendall(head.encode())
        _send_file(sock, source)
        answer = sock.recv(65536)
    taken = Taken(time.perf_counter() - started, _cpu_of(pid) - cpu)
    if not answer.startswith(b"HTTP/1.1 204"):
        raise RuntimeError(answer.decode(errors="replace"))
    (settings.uploads_dir / location.rpartition("/")[2]).unlink()
    return taken


def _cpu_of(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _send_file(sock: socket.socket, source: Path) -> None:
    with source.open("rb") as file:
        sock.sendfile(file)


def _random_file(path: Path, size: int) -> Path:
    with path.open("wb") as file:
        for _ in range(0, size, READ):
            file.write(os.urandom(READ))
    return path
