"""Receiving an upload, against the least that any server must do: copy a socket to a file and hash it.

The same client (sendfile from a file to a loopback socket) feeds both, in turn. Ours is one tus PATCH under gunicorn
gthread with authentication, quota, locks, SHA-256 for each block, fdatasync and offsets committed to PostgreSQL; the
peer does nothing but `recv_into`, `sha256.update`, `write`. A second peer is npm's tus server (tus_peer.py); many
clients at once are measured in upload_load.py.

Ours alone waits for the disk, whose speed is what is measured there where it is slow; so all is measured once more in a
file system in memory.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import resource
import secrets
import shutil
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

from app.core.db import Database
from app.core.identity import Role
from app.core.migrate import upgrade
from app.embedded import EmbeddedPostgres
from app.settings import Settings
from app.storage.keys import generate_key_file
from tests.bench.rows import Goal, absent, compare
from tests.bench.tus_peer import TUS_PEER, PeerAbsent, tus_server
from tests.bench.upload_load import many_at_once
from tests.bench.wire import READ, Taken, most_resident_mib, random_file, send_file, upload
from tests.factories.accounts import bearer, make_person
from tests.factories.exercises import make_exercise
from tests.factories.server import ROOT, free_port, gunicorn_process

SIZE = int(os.environ.get("BENCH_UPLOAD_BYTES", 2 * 2**30))
SHORT, LONG = 64 * 2**20, 5 * 2**30
RUNS = 5
PEER = "bare socket-to-file copy with SHA-256"
THREADS = 128  # as `cordon serve` has
DATA = f"{SIZE / 2**20:g} MiB of random bytes over loopback, one PATCH, stored {{}}"
MEMORY = Path("/dev/shm")


@dataclass(frozen=True, slots=True)
class Staff:
    """The server under measurement: its address, the process that serves, who sends, where bytes wait."""

    address: str
    pid: int
    headers: dict[str, str]
    staged: Path

    @property
    def endpoint(self) -> str:
        return f"{self.address}/api/v1/uploads"

    def receive(self, source: Path) -> Taken:
        """Takes the file once."""
        taken, upload_id = upload(self.endpoint, self.pid, source, self.headers)
        (self.staged / upload_id).unlink()
        return taken


def run() -> list[dict[str, Any]]:
    """Measures all of it and returns the rows of `make bench`."""
    rows = _receiving(None, "on disk")
    if MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > 3 * SIZE:
        rows += [row | {"name": f"{row['name']}, in memory"} for row in _receiving(MEMORY, "in memory")]
    with tempfile.TemporaryDirectory(prefix="bench-upload-") as name:
        folder = Path(name)
        rows.append(_memory_of_long_ones(folder))
        crowded = folder / "crowded"
        crowded.mkdir()
        with _staff(crowded, threads=THREADS) as staff:
            return rows + many_at_once(staff.endpoint, staff.pid, staff.headers)


def _receiving(place: Path | None, stored: str) -> list[dict[str, Any]]:
    """Both peers, below `place`."""
    with tempfile.TemporaryDirectory(prefix="bench-upload-", dir=place) as name:
        folder = Path(name)
        source = random_file(folder / "source", SIZE)
        with _staff(folder) as staff:
            rows = _against_bare_copy(staff, folder, source) + _against_tus_server(staff, folder, source)
    return [row | {"data": DATA.format(stored)} for row in rows]


def _memory_of_long_ones(folder: Path) -> dict[str, Any]:
    """The most that the serving process ever had resident, after a short upload and after a long one."""
    apart = folder / "long"
    apart.mkdir()
    with _staff(apart) as staff:
        after = []
        for size in (SHORT, LONG):
            source = apart / f"{size}"
            with source.open("wb") as file:
                file.truncate(size)  # zeros that take no room until they are received
            staff.receive(source)
            after.append(most_resident_mib(staff.pid))
    return compare(
        "server memory, a long upload",
        "MiB",
        [after[1]],
        [after[0]],
        peer_name=f"the same server after {SHORT / 2**20:g} MiB",
        goal=Goal("≤", 1.05),
        data=f"one upload of {LONG / 2**30:g} GiB of zeros",
    )


def _against_bare_copy(staff: Staff, folder: Path, source: Path) -> list[dict[str, Any]]:
    def bare() -> Taken:
        return bare_copy_once(folder, source)

    ours, peer = _in_turns(lambda: staff.receive(source), bare)
    return [
        _speed("upload throughput", ours, peer, peer_name=PEER, goal=Goal("≥", 0.7)),
        compare(
            "upload server CPU",
            "s/GB",
            *([taken.cpu / (SIZE / 1e9) for taken in side] for side in (ours, peer)),
            peer_name=PEER,
            goal=Goal("≤", 1.5),
            data="",
        ),
    ]


def _against_tus_server(staff: Staff, folder: Path, source: Path) -> list[dict[str, Any]]:
    """npm's tus server does the protocol's work: it neither hashes, nor syncs to disk, nor asks who sends."""
    name, goal = "upload throughput, a tus server", Goal("≥", 1.0)
    try:
        with tus_server(folder / "peer") as theirs:
            ours, peer = _in_turns(lambda: staff.receive(source), lambda: theirs(source))
    except PeerAbsent as reason:
        return [absent(name, "MB/s", peer_name=TUS_PEER, goal=goal, reason=str(reason))]
    return [_speed(name, ours, peer, peer_name=TUS_PEER, goal=goal)]


def _in_turns(ours: Callable[[], Taken], peer: Callable[[], Taken]) -> tuple[list[Taken], list[Taken]]:
    """RUNS of each, after one that is not counted."""
    pairs = [(ours(), peer()) for _ in range(RUNS + 1)][1:]
    return [pair[0] for pair in pairs], [pair[1] for pair in pairs]


def _speed(name: str, ours: list[Taken], peer: list[Taken], *, peer_name: str, goal: Goal) -> dict[str, Any]:
    speeds = ([SIZE / 1e6 / taken.wall for taken in side] for side in (ours, peer))
    return compare(name, "MB/s", *speeds, peer_name=peer_name, goal=goal, data="")


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
            send_file(sock, source)
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
def _staff(folder: Path, *, threads: int = 8) -> Iterator[Staff]:
    """The staff surface on a database of its own."""
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
        said = f"exercise {base64.b64encode(str(exercise).encode()).decode()}"
        creation = headers | {"Tus-Resumable": "1.0.0", "Upload-Metadata": said}
        with gunicorn_process(settings, threads=threads) as (address, pid):
            yield Staff(address, pid, creation, settings.uploads_dir)
        database.dispose()
    finally:
        server.destroy()
