"""A force at the upload API of a real server: the calls that a tus client makes, each by hand."""

from __future__ import annotations

import base64
import random
import socket
import time
from dataclasses import dataclass
from urllib.parse import urlsplit
from uuid import UUID

import requests

from app.core.db import Database
from app.core.identity import Role
from app.settings import Settings
from app.uploads.service import Staging
from tests.factories.accounts import bearer, make_person
from tests.factories.exercises import make_exercise

TUS = {"Tus-Resumable": "1.0.0"}
BYTES = TUS | {"Content-Type": "application/offset+octet-stream"}
DATA = random.Random(7).randbytes(5_000_000)


@dataclass
class Site:
    address: str
    officer: dict[str, str]
    stranger: dict[str, str]
    exercise: UUID
    database: Database
    staging: Staging

    def call(self, method: str, path: str, **arguments: object) -> requests.Response:
        headers = self.officer | dict(arguments.pop("headers", {}))  # type: ignore[call-overload]
        url = path if path.startswith("http") else self.address + path
        return requests.request(method, url, headers=headers, timeout=60, **arguments)  # type: ignore[arg-type]

    def create(self, length: int = len(DATA), **said: str) -> str:
        answer = self.call("POST", "/api/v1/uploads", headers=self.creation(length, **said))
        assert answer.status_code == 201, answer.text
        return urlsplit(answer.headers["Location"]).path

    def creation(self, length: int, **said: str) -> dict[str, str]:
        said = {"filename": "A.mp4", "exercise": str(self.exercise)} | said
        pairs = (f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in said.items())
        return TUS | {"Upload-Length": str(length), "Upload-Metadata": ",".join(pairs)}

    def patch(self, location: str, data: bytes, offset: int, **headers: str) -> requests.Response:
        return self.call(
            "PATCH", location, data=data, headers=BYTES | {"Upload-Offset": str(offset)} | headers
        )

    def offset(self, location: str) -> int:
        return int(self.call("HEAD", location, headers=TUS).headers["Upload-Offset"])

    def stored(self, location: str) -> bytes:
        return self.staging.path(UUID(location.rpartition("/")[2])).read_bytes()

    def half_sent(self, location: str, data: bytes, *, chunked: bool = False) -> socket.socket:
        """A PATCH that announced the whole, or with `chunked` nothing, and has sent only this."""
        parts = urlsplit(self.address)
        sock = socket.create_connection((parts.hostname, parts.port), timeout=30)
        ends = {"Transfer-Encoding": "chunked"} if chunked else {"Content-Length": str(len(DATA))}
        headers = self.officer | BYTES | {"Upload-Offset": "0", "Host": parts.netloc} | ends
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        sock.sendall(f"PATCH {location} HTTP/1.1\r\n{lines}\r\n".encode() + data)
        return sock

    def settled(self, location: str, wanted: int) -> int:
        """The offset, once it is that one or 10 seconds are over."""
        deadline = time.monotonic() + 10
        while (offset := self.offset(location)) != wanted and time.monotonic() < deadline:
            time.sleep(0.1)
        return offset


@dataclass
class Service:
    address: str
    settings: Settings
    database: Database

    def force(self) -> Site:
        """A force of its own, with one officer and one exercise; another force's officer is the stranger."""
        with self.database.transaction() as session:
            person = make_person(session, roles=[Role.DATA_OFFICER])
            officer = bearer(session, person)
            stranger = bearer(session, make_person(session, roles=[Role.DATA_OFFICER]))
            exercise = make_exercise(session, organisation_id=person.organisation_id).id
        staging = Staging(self.settings.uploads_dir)
        return Site(self.address, officer, stranger, exercise, self.database, staging)


def expect(answer: requests.Response, status: int, kind: str = "") -> None:
    assert answer.status_code == status, (answer.status_code, answer.text)
    if kind:
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.json()["type"].endswith(f"/{kind}")
