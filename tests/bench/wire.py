"""One tus upload over loopback, timed: the client that every server of `tests/bench/upload.py` is measured with."""

from __future__ import annotations

import os
import socket
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import requests

READ = 2**20


@dataclass(frozen=True)
class Taken:
    """One transfer: seconds on the wall, CPU seconds of the receiving process."""

    wall: float
    cpu: float


def create(endpoint: str, size: int, headers: dict[str, str]) -> str:
    """Opens an upload of `size` bytes at a tus endpoint; returns its path. Raises requests.HTTPError."""
    made = requests.post(endpoint, headers=headers | {"Upload-Length": str(size)}, timeout=30)
    made.raise_for_status()
    return urlsplit(made.headers["Location"]).path


def patch_head(endpoint: str, path: str, size: int, headers: dict[str, str]) -> bytes:
    """The head of one PATCH that carries the whole."""
    lines = headers | {
        "Host": urlsplit(endpoint).netloc,
        "Content-Type": "application/offset+octet-stream",
        "Content-Length": str(size),
        "Upload-Offset": "0",
        "Connection": "close",
    }
    return (
        f"PATCH {path} HTTP/1.1\r\n" + "".join(f"{k}: {v}\r\n" for k, v in lines.items()) + "\r\n"
    ).encode()


def place_of(endpoint: str) -> tuple[str, int]:
    """Where to connect to."""
    parts = urlsplit(endpoint)
    return parts.hostname or "", parts.port or 80


def upload(endpoint: str, pid: int, source: Path, headers: dict[str, str]) -> tuple[Taken, str]:
    """Creates an upload and sends all of `source` in one PATCH; what that took, and the upload's id.

    Raises RuntimeError unless the server answers 204.
    """
    size = source.stat().st_size
    path = create(endpoint, size, headers)
    cpu, started = cpu_of(pid), time.perf_counter()
    with socket.create_connection(place_of(endpoint)) as sock:
        sock.sendall(patch_head(endpoint, path, size, headers))
        send_file(sock, source)
        answer = sock.recv(65536)
    taken = Taken(time.perf_counter() - started, cpu_of(pid) - cpu)
    if not answer.startswith(b"HTTP/1.1 204"):
        raise RuntimeError(answer.decode(errors="replace"))
    return taken, path.rpartition("/")[2]


def cpu_of(pid: int) -> float:
    """CPU seconds of that process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def most_resident_mib(pid: int) -> float:
    """The most that process ever had resident (VmHWM, proc(5))."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM:")).split()[1]) / 1024


def send_file(sock: socket.socket, source: Path) -> None:
    """All of it, by sendfile."""
    with source.open("rb") as file:
        sock.sendfile(file)


def random_file(path: Path, size: int) -> Path:
    """A file of random bytes, to the next MiB."""
    with path.open("wb") as file:
        for _ in range(0, size, READ):
            file.write(os.urandom(READ))
    return path
