"""A TCP proxy that cuts connections: what trains, lifts and weak wireless do to an upload.

A seed decides when each connection is cut and how: both ends at once; only the client's, so that the server waits
for a client that is gone; or when the answer comes, so that the client never learns what became of its request.
"""

from __future__ import annotations

import random
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

PIECE: Final = 64 * 1024
_RESET: Final = struct.pack("ii", 1, 0)  # SO_LINGER: closing sends RST


@dataclass(frozen=True, slots=True)
class Cut:
    """How one connection ends: after so many bytes of the client's; `kind` is both, client or answer."""

    after: int
    kind: str


@dataclass
class CuttingProxy:
    """Passes connections on to `target`; the first `cuts` of those that carry enough are cut."""

    target: tuple[str, int]
    chance: random.Random
    cuts: int
    longest: int  # bytes after which a connection is cut at the latest
    done: list[Cut] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def address(self) -> str:
        """Its address, for a client."""
        return "http://{}:{}".format(*self._listening.getsockname())

    def close(self) -> None:
        """Ends it and every connection, also those that were left to hang."""
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        for sock in self._open:
            _close(sock)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
                server = socket.create_connection(self.target)
            except OSError:
                return
            self._open += [client, server]
            with self._lock:
                kind = self.chance.choice(["both", "client", "answer"])
                cut = Cut(self.chance.randrange(200, self.longest), kind)
            meter = _Meter(self, cut)
            threading.Thread(target=self._send, args=(client, server, meter), daemon=True).start()
            threading.Thread(target=self._answer, args=(server, client, meter), daemon=True).start()

    def may_cut(self, cut: Cut) -> bool:
        """Whether this connection is one of those that are cut."""
        with self._lock:
            if len(self.done) >= self.cuts:
                return False
            self.done.append(cut)
            return True

    def _send(self, client: socket.socket, server: socket.socket, meter: _Meter) -> None:
        with suppress(OSError):
            while data := client.recv(PIECE):
                if meter.cut.kind != "answer" and meter.is_over(len(data)):
                    server.sendall(data[: max(0, meter.cut.after - meter.passed)])
                    _close(client)
                    if meter.cut.kind == "both":
                        _close(server)
                    return
                meter.passed += len(data)
                server.sendall(data)
            server.shutdown(socket.SHUT_WR)

    def _answer(self, server: socket.socket, client: socket.socket, meter: _Meter) -> None:
        with suppress(OSError):
            while data := server.recv(PIECE):
                if meter.cut.kind == "answer" and meter.is_over(0):
                    _close(client)
                    _close(server)
                    return
                client.sendall(data)
            client.shutdown(socket.SHUT_WR)


@dataclass
class _Meter:
    proxy: CuttingProxy
    cut: Cut
    passed: int = 0

    def is_over(self, more: int) -> bool:
        return self.passed + more >= self.cut.after and self.proxy.may_cut(self.cut)


def _close(sock: socket.socket) -> None:
    with suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        sock.shutdown(socket.SHUT_RDWR)
    sock.close()


@contextmanager
def cutting_proxy(address: str, seed: int, *, cuts: int, longest: int) -> Iterator[CuttingProxy]:
    """A proxy before the server at that address; `longest` bytes of a client pass at most before a cut."""
    parts = urlsplit(address)
    proxy = CuttingProxy((parts.hostname or "", parts.port or 80), random.Random(seed), cuts, longest)
    try:
        yield proxy
    finally:
        proxy.close()
