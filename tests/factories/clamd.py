"""A small server that speaks clamd's protocol as clamd(8) has it, for machines without ClamAV.

It finds the EICAR test string anywhere in a stream, takes at most `stream_max` bytes at a time, and hangs up like the
real one. `tests/contract/test_clamd.py` holds both to the same tests where the real one is installed.
"""

from __future__ import annotations

import shutil
import socketserver
import struct
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.core.processes import die_with_parent

# In two halves, so that no scanner takes this file for an infected one.
EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
NAME = "Eicar-Test"


class _Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    stream_max = 2**30
    answer: bytes | None = None  # given instead of a judgement
    streams: list[int]


class _Handler(socketserver.StreamRequestHandler):
    server: _Server

    def handle(self) -> None:
        command = self._until_nul()
        if command == b"zVERSION":
            self.wfile.write(b"ClamAV 0.0.0/1/of a test\0")
        elif command == b"zINSTREAM":
            self.wfile.write((self.server.answer or self._judge()) + b"\0")
        else:
            self.wfile.write(b"UNKNOWN COMMAND\0")

    def _until_nul(self) -> bytes:
        said = b""
        while not said.endswith(b"\0") and (byte := self.rfile.read(1)):
            said += byte
        return said.rstrip(b"\0")

    def _judge(self) -> bytes:
        data = bytearray()
        while length := struct.unpack(">I", self.rfile.read(4))[0]:
            if len(data) + length > self.server.stream_max:
                return b"INSTREAM size limit exceeded. ERROR"
            data += self.rfile.read(length)
        self.server.streams.append(len(data))
        return f"stream: {NAME} FOUND".encode() if EICAR in data else b"stream: OK"


class FakeClamd:
    """A running one; `streams` are the lengths of what it looked at, in order."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.address = f"unix://{path}"
        self.streams: list[int] = []
        self._server: _Server | None = None

    def start(self, *, stream_max: int = 2**30, answer: bytes | None = None) -> FakeClamd:
        """Listens until `stop`."""
        self._server = _Server(str(self.path), _Handler)
        self._server.stream_max, self._server.answer = stream_max, answer
        self._server.streams = self.streams
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def stop(self) -> None:
        """Ends it; connecting is refused from then on."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None
            self.path.unlink(missing_ok=True)


def find_clamd() -> str | None:
    """ClamAV's own daemon, where it is installed."""
    return shutil.which("clamd", path=None) or shutil.which("clamd", path="/usr/sbin")


@contextmanager
def real_clamd(program: str, folder: Path, stream_max: int) -> Iterator[str]:
    """ClamAV's daemon with one signature, EICAR's; yields its address."""
    (folder / "db").mkdir(parents=True)
    (folder / "db" / "test.ndb").write_text(f"{NAME}:0:*:{EICAR.hex()}\n")
    path = folder / "clamd.sock"
    said = {
        "LocalSocket": path,
        "DatabaseDirectory": folder / "db",
        "Foreground": "yes",
        "StreamMaxLength": stream_max,
        "LogFile": folder / "clamd.log",
        "TemporaryDirectory": folder,
    }
    (folder / "clamd.conf").write_text("".join(f"{name} {value}\n" for name, value in said.items()))
    command = [program, "--config-file", str(folder / "clamd.conf")]
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=die_with_parent(9)
    )
    try:
        until = time.monotonic() + 30
        while not path.exists():
            if time.monotonic() > until or process.poll() is not None:
                raise RuntimeError((folder / "clamd.log").read_text())
            time.sleep(0.05)
        yield f"unix://{path}"
    finally:
        process.terminate()
        process.wait(30)
