"""A line between browser and service that breaks: a forwarder of bytes that cuts connections, and stalls."""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

PIECE = 64 * 1024


@dataclass
class Line:
    """`cuts` are after how many bytes upwards, since the line was laid, each break comes; then, beyond `stall_after`,
    nothing passes until `free` is set, and before it no request whose head has `held` in it."""

    target: tuple[str, int]
    cuts: list[int]
    stall_after: int
    rate: int  # bytes a second upwards
    held: bytes = b""
    address: str = ""
    sent: int = 0
    broken: int = 0
    heads: list[str] = field(default_factory=list)  # of parts and preflights that went by, in lower case
    free: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def serve(self, listener: socket.socket) -> None:
        """Takes connections until the listener is closed."""
        with suppress(OSError):
            while True:
                browser, _ = listener.accept()
                service = socket.create_connection(self.target)
                threading.Thread(target=self._carry, args=(browser, service), daemon=True).start()

    def _carry(self, browser: socket.socket, service: socket.socket) -> None:
        with browser, service:
            up = threading.Thread(target=self._up, args=(browser, service), daemon=True)
            up.start()
            self._down(browser, service)
            up.join()

    def _up(self, browser: socket.socket, service: socket.socket) -> None:
        with suppress(OSError):
            while data := browser.recv(PIECE):
                time.sleep(len(data) / self.rate)
                if self._breaks(len(data)):
                    _reset(browser, service)
                    return
                self._looks(data)
                service.sendall(data)
        _end(browser, service)

    def _breaks(self, count: int) -> bool:
        with self._lock:
            self.sent += count
            if self.cuts and self.sent >= self.cuts[0]:
                self.cuts.pop(0)
                self.broken += 1
                return True
        if self.sent > self.stall_after:
            self.free.wait(60)
        return False

    def _looks(self, data: bytes) -> None:
        if data.startswith((b"PUT ", b"OPTIONS ")):
            self.heads.append(data.partition(b"\r\n\r\n")[0].decode(errors="replace").lower())
        if self.held and self.held in data:
            self.free.wait(60)

    def _down(self, browser: socket.socket, service: socket.socket) -> None:
        with suppress(OSError):
            while data := service.recv(PIECE):
                browser.sendall(data)
        _end(browser, service)


def _reset(*ends: socket.socket) -> None:
    """As a cable that is pulled and a router that forgot: no orderly goodbye."""
    for end in ends:
        with suppress(OSError):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            end.close()


def _end(*ends: socket.socket) -> None:
    for end in ends:
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


@contextmanager
def broken_line(address: str, *, cuts: list[int], stall_after: int, rate: int) -> Iterator[Line]:
    """A line to the service at `address`; `Line.address` is its near end."""
    parts = urlsplit(address)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        line = Line((parts.hostname or "", parts.port or 80), cuts, stall_after, rate)
        line.address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        threading.Thread(target=line.serve, args=(listener,), daemon=True).start()
        yield line
        line.free.set()
