"""A tus client of the campaign's own: it holds the server to every offset that it was told.

What was acknowledged (204, or HEAD's answer) must be there ever after; an offset beyond what was sent cannot be. Both
are looked at whenever it asks where to go on.
"""

from __future__ import annotations

import base64
import hashlib
import http.client
import random
import socket
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

PATIENCE_SECONDS = 90.0  # of a client whose server or database is away
PIECE = 64 * 1024
_TYPE = "application/offset+octet-stream"


@dataclass
class Sender:
    """One file, sent by one client. `told`: bytes acknowledged; `sent`: bytes that left at all."""

    address: str
    said: Mapping[str, str]  # who sends
    data: bytes
    upload: str = ""
    told: int = 0
    sent: int = 0
    wrong: list[str] = field(default_factory=list)

    def create(self, exercise: str) -> None:
        """Opens the upload. Raises RuntimeError."""
        about = {"Upload-Length": str(len(self.data)), "Upload-Metadata": f"exercise {_encoded(exercise)}"}
        status, headers = self.ask("POST", "/api/v1/uploads", about)
        if status != 201:
            raise RuntimeError(f"creation answered {status}")
        self.upload = headers["Location"].rpartition("/")[2]

    @property
    def path(self) -> str:
        return f"/api/v1/uploads/{self.upload}"

    def ask(
        self, method: str, path: str, more: Mapping[str, str], body: bytes = b"", address: str = ""
    ) -> tuple[int, Mapping[str, str]]:
        """Status and headers of one request; status 0 when no answer came. Redirects nothing, repeats nothing."""
        connection = http.client.HTTPConnection(urlsplit(address or self.address).netloc, timeout=60)
        headers = {**self.said, **more, "Content-Length": str(len(body)), "Connection": "close"}
        try:
            connection.putrequest(method, path, skip_accept_encoding=True)
            for name, value in headers.items():
                connection.putheader(name, value)
            connection.endheaders()
            with suppress(ConnectionError):  # an answer may have come before all was sent
                connection.send(body)
            answer = connection.getresponse()
            answer.read()
            return answer.status, answer.headers
        except (OSError, http.client.HTTPException):
            return 0, {}
        finally:
            connection.close()

    def patch(self, offset: int, piece: bytes, *, digest: bytes | None = None, address: str = "") -> int:
        """Sends `piece` as the bytes from `offset` on; `digest`: the SHA-256 to claim. Returns the status."""
        more = {"Upload-Offset": str(offset), "Content-Type": _TYPE}
        if digest is not None:
            more["Upload-Checksum"] = f"sha256 {_encoded(digest)}"
        if piece == self.data[offset : offset + len(piece)]:
            self.sent = max(self.sent, offset + len(piece))
        status, headers = self.ask("PATCH", self.path, more, piece, address)
        if status == 204:
            self._note(int(headers["Upload-Offset"]), offset + len(piece))
        return status

    def _note(self, said: int, expected: int) -> None:
        """What a 204 says. A request that waited behind another one of the same bytes is told where the upload is."""
        if said != expected:
            self.wrong.append(f"a request for the bytes up to {expected} was answered with {said}")
        self.told = max(self.told, said)

    def open_patch(self, offset: int, after: int) -> socket.socket:
        """A request for all that is left, of which `after` bytes go out now."""
        place = urlsplit(self.address)
        lines = dict(self.said) | {
            "Host": place.netloc,
            "Content-Type": _TYPE,
            "Content-Length": str(len(self.data) - offset),
            "Upload-Offset": str(offset),
            "Connection": "close",
        }
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        sock = socket.create_connection((place.hostname or "", place.port or 80), timeout=60)
        sock.sendall(f"PATCH {self.path} HTTP/1.1\r\n{head}\r\n".encode())
        sock.sendall(self.data[offset : offset + after])
        self.sent = max(self.sent, offset + after)
        return sock

    def struck(self, offset: int, after: int, blow: Callable[[], None]) -> int:
        """Sends all that is left; `blow` falls once `after` bytes are out. Returns the status, 0 without an answer."""
        with self.open_patch(offset, after) as sock:
            blow()
            answer = b""
            with suppress(OSError):
                sock.sendall(self.data[offset + after :])
                self.sent = len(self.data)
            with suppress(OSError):
                while piece := sock.recv(PIECE):
                    answer += piece
        self.sent = len(self.data)  # as far as a kernel may have carried it
        lines = answer.decode("latin-1").partition("\r\n\r\n")[0].split("\r\n")
        if len(lines) < 2:
            return 0
        headers = dict(line.lower().split(": ", 1) for line in lines[1:] if ": " in line)
        status = int(lines[0].split()[1])
        if status == 204:
            self._note(int(headers["upload-offset"]), len(self.data))
        return status

    def where(self) -> int:
        """The offset that HEAD tells, once the server can. Raises TimeoutError."""
        deadline, status = time.monotonic() + PATIENCE_SECONDS, 0
        while time.monotonic() < deadline:
            status, headers = self.ask("HEAD", self.path, {})
            if status == 200:
                offset = int(headers["Upload-Offset"])
                if not self.told <= offset <= self.sent:
                    self.wrong.append(f"{offset} is told; {self.told} was acknowledged, {self.sent} sent")
                self.told = max(self.told, offset)
                return offset
            if status not in (0, 423, 500, 502, 503):
                raise TimeoutError(f"HEAD answered {status}")
            time.sleep(0.1)
        raise TimeoutError(f"upload {self.upload}: HEAD answered {status} to the end")

    def finish(self, chance: random.Random) -> None:
        """Goes on to the end, in requests of chance lengths. Raises TimeoutError."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (offset := self.where()) < len(self.data):
            if offset + 1 >= self.told and time.monotonic() > deadline:
                raise TimeoutError(f"upload {self.upload} does not get beyond {offset}")
            most = len(self.data) - offset
            piece = self.data[offset : offset + chance.randint(max(1, most // 4), most)]
            digest = hashlib.sha256(piece).digest() if chance.random() < 0.3 else None
            if self.patch(offset, piece, digest=digest) == 204:
                deadline = time.monotonic() + PATIENCE_SECONDS
            else:
                time.sleep(0.05)


def _encoded(value: str | bytes) -> str:
    return base64.b64encode(value.encode() if isinstance(value, str) else value).decode()
