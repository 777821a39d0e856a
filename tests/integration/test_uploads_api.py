"""tus over real HTTP under gunicorn: the protocol's answers, and a client that nobody here wrote."""

from __future__ import annotations

import base64
import hashlib
import http.client
import random
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID

import pytest
import requests
from tusclient.client import TusClient
from tusclient.exceptions import TusCommunicationError, TusUploadFailed

from app.core.clock import now
from app.core.db import Database
from app.core.identity import Role
from app.settings import Settings
from app.uploads.models import Upload
from app.uploads.service import Staging
from tests.factories.accounts import bearer, make_person
from tests.factories.exercises import make_exercise
from tests.factories.home import make_home, make_settings
from tests.factories.server import gunicorn

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
        return answer.headers["Location"]

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


@dataclass
class Service:
    address: str
    settings: Settings
    database: Database


@pytest.fixture(scope="module")
def service(new_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """One server for all: each test comes as a force of its own, which sees no other's."""
    url = new_database()
    settings = make_settings(make_home(tmp_path_factory.mktemp("service") / "home"), url)
    database = Database(url)
    with gunicorn(settings) as address:
        yield Service(address, settings, database)
    database.dispose()


@pytest.fixture
def site(service: Service) -> Site:
    with service.database.transaction() as session:
        person = make_person(session, roles=[Role.DATA_OFFICER])
        officer = bearer(session, person)
        stranger = bearer(session, make_person(session, roles=[Role.DATA_OFFICER]))
        exercise = make_exercise(session, organisation_id=person.organisation_id).id
    staging = Staging(service.settings.uploads_dir)
    return Site(service.address, officer, stranger, exercise, service.database, staging)


def _expect(answer: requests.Response, status: int, kind: str = "") -> None:
    assert answer.status_code == status, (answer.status_code, answer.text)
    if kind:
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.json()["type"].endswith(f"/{kind}")


def test_the_protocol_answers_as_it_should(site: Site) -> None:
    options = requests.options(f"{site.address}/api/v1/uploads", timeout=10)
    assert (options.status_code, options.headers["Tus-Version"]) == (204, "1.0.0")
    assert set(options.headers["Tus-Extension"].split(",")) == {
        "creation",
        "expiration",
        "checksum",
        "termination",
    }
    location = site.create()
    first = site.patch(location, DATA[:1000], 0)
    assert (first.status_code, first.headers["Upload-Offset"]) == (204, "1000")
    assert "Upload-Expires" in first.headers

    _expect(site.patch(location, b"x" * 3_000_000, 0), 409, "wrong-offset")
    _expect(site.patch(location, DATA, 1000), 413, "body-too-long")
    _expect(site.patch(location, b"x", 1000, **{"Content-Type": "video/mp4"}), 415, "tus-content-type")
    old = site.patch(location, b"x", 1000, **{"Tus-Resumable": "0.2.2"})
    _expect(old, 412, "tus-version")
    assert old.headers["Tus-Version"] == "1.0.0"
    wrong = "sha1 " + base64.b64encode(hashlib.sha1(b"else").digest()).decode()
    bad = site.patch(location, DATA[1000:2000], 1000, **{"Upload-Checksum": wrong})
    _expect(bad, 460, "checksum-mismatch")
    assert bad.reason == "Checksum Mismatch"
    _expect(site.patch(location, b"x", 1000, **{"Upload-Checksum": "crc32 AAAA"}), 400, "bad-tus-header")
    assert site.offset(location) == 1000

    right = "sha256 " + base64.b64encode(hashlib.sha256(DATA[1000:]).digest()).decode()
    assert site.patch(location, DATA[1000:], 1000, **{"Upload-Checksum": right}).status_code == 204
    assert site.stored(location) == DATA
    status = site.call("GET", f"{location}/status").json()
    assert (status["state"], status["offset"], status["filename"]) == ("received", len(DATA), "A.mp4")
    assert site.offset(location) == len(DATA)
    _expect(site.call("DELETE", location, headers=TUS), 409, "already-received")
    assert [one["id"] for one in site.call("GET", "/api/v1/uploads?state=received").json()["items"]] == [
        status["id"]
    ]


def test_bad_creations_are_refused_and_change_nothing(site: Site) -> None:
    def create(headers: dict[str, str]) -> requests.Response:
        return site.call("POST", "/api/v1/uploads", headers=headers)

    _expect(create(site.creation(0)), 422, "empty-upload")
    _expect(create(site.creation(2**60)), 413, "upload-too-large")
    _expect(create(site.creation(10) | {"Upload-Length": "ten"}), 400, "bad-tus-header")
    _expect(create(TUS | {"Upload-Length": "10"}), 400, "bad-tus-header")
    _expect(create(site.creation(10, exercise="0199c1d2-0000-7000-8000-000000000000")), 404, "not-found")
    _expect(create(site.creation(10) | site.stranger), 404, "not-found")
    _expect(create(site.creation(10) | {"Authorization": "Bearer nobody"}), 401, "unauthenticated")
    assert site.call("GET", "/api/v1/uploads").json()["items"] == []


def test_no_other_force_can_tell_that_an_upload_exists(site: Site) -> None:
    location = site.create()
    for method, path, headers in (
        ("HEAD", location, TUS),
        ("PATCH", location, BYTES | {"Upload-Offset": "0"}),
        ("DELETE", location, TUS),
        ("GET", f"{location}/status", {}),
    ):
        real = site.call(method, path, headers=headers | site.stranger)
        unknown = path.replace(location[-4:], "0000")
        assert (
            real.status_code == site.call(method, unknown, headers=headers | site.stranger).status_code == 404
        )
    digest = site.call("POST", f"{location}/digest", json={"sha256": "0" * 64}, headers=site.stranger)
    assert digest.status_code == 404
    assert site.offset(location) == 0


def test_ended_uploads_are_gone(site: Site) -> None:
    ended, expired = site.create(), site.create()
    assert site.call("DELETE", ended, headers=TUS).status_code == 204
    with site.database.transaction() as session:
        row = session.get(Upload, UUID(expired.rpartition("/")[2]))
        assert row is not None
        row.expires_at = now()
    for location in (ended, expired):
        _expect(site.call("HEAD", location, headers=TUS), 410)
        _expect(site.patch(location, b"x", 0), 410, "upload-gone")


def test_a_cut_connection_keeps_what_arrived(site: Site) -> None:
    location = site.create()
    sock = _half_sent(site, location, DATA[:2_000_000])
    sock.close()
    offset = _settled(site, location, 2_000_000)
    assert site.patch(location, DATA[offset:], offset).status_code == 204
    assert site.stored(location) == DATA


def test_a_resuming_client_takes_over_from_a_dead_connection_at_once(site: Site) -> None:
    location = site.create()
    sock = _half_sent(site, location, DATA[:2_000_000])  # stays open: the server cannot know that it is dead
    time.sleep(0.3)
    started = time.monotonic()
    offset = site.offset(location)
    assert time.monotonic() - started < 3
    assert offset == 2_000_000
    assert site.patch(location, DATA[offset:], offset).status_code == 204
    assert site.stored(location) == DATA
    sock.close()


def test_a_second_writer_is_kept_out_while_the_first_is_alive(site: Site) -> None:
    location = site.create()
    sock = _half_sent(site, location, DATA[:1000])
    alive = threading.Event()

    def trickle() -> None:
        for place in range(1000, 21_000, 100):
            if alive.wait(0.05):
                return
            sock.sendall(DATA[place : place + 100])

    thread = threading.Thread(target=trickle)
    thread.start()
    time.sleep(0.3)
    _expect(site.patch(location, DATA[:5000], 0), 423, "upload-locked")
    alive.set()
    thread.join()
    sock.close()


def test_chunked_bodies_are_taken_too(site: Site) -> None:
    location = site.create()
    pieces = (DATA[n : n + 70_000] for n in range(0, len(DATA), 70_000))
    answer = site.call("PATCH", location, data=pieces, headers=BYTES | {"Upload-Offset": "0"})
    assert (answer.status_code, site.stored(location)) == (204, DATA)


def test_a_connection_is_reused_for_the_next_chunk(site: Site) -> None:
    location = site.create()
    parts = urlsplit(site.address)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)
    for place in range(0, len(DATA), 1_000_000):
        chunk = DATA[place : place + 1_000_000]
        headers = site.officer | BYTES | {"Upload-Offset": str(place)}
        connection.request("PATCH", location, body=chunk, headers=headers)
        sock = connection.sock
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 204
        assert connection.sock is sock
    connection.close()
    assert site.stored(location) == DATA


def test_tuspy_uploads_is_cut_and_resumes(site: Site, tmp_path: Path) -> None:
    file = tmp_path / "A.mp4"
    file.write_bytes(DATA)
    client = TusClient(f"{site.address}/api/v1/uploads", headers=site.officer)
    metadata = {"filename": "A.mp4", "exercise": str(site.exercise)}
    generator = random.Random(11)
    first = client.uploader(str(file), chunk_size=700_000, metadata=metadata, upload_checksum=True)
    first.upload(stop_at=1_400_000)
    url = first.url
    for _ in range(5):
        with pytest.MonkeyPatch.context() as patch:
            _cut_after(patch, generator.randrange(1, 600_000))
            cut = client.uploader(str(file), chunk_size=2_000_000, url=url)
            with pytest.raises((TusUploadFailed, TusCommunicationError, ConnectionError)):
                cut.upload()
    # A cut request may still add its last bytes after the offset was asked for: the client asks again (409).
    last = client.uploader(
        str(file), chunk_size=900_000, url=url, upload_checksum=True, retries=5, retry_delay=0.2
    )
    assert last.offset >= 1_400_000
    last.upload()
    assert site.stored(urlsplit(url).path) == DATA


def _cut_after(patch: pytest.MonkeyPatch, count: int) -> None:
    """Every connection of this process breaks once it has sent so many bytes."""
    send = http.client.HTTPConnection.send

    def cutting(self: http.client.HTTPConnection, data: object) -> None:
        if isinstance(data, bytes) and len(data) > count:
            send(self, data[:count])
            self.sock.shutdown(socket.SHUT_RDWR)
            raise ConnectionResetError("cut")
        send(self, data)

    patch.setattr(http.client.HTTPConnection, "send", cutting)


def _half_sent(site: Site, location: str, data: bytes) -> socket.socket:
    """A PATCH that announced the whole and has sent only this."""
    parts = urlsplit(site.address)
    sock = socket.create_connection((parts.hostname, parts.port), timeout=30)
    headers = (
        site.officer | BYTES | {"Upload-Offset": "0", "Content-Length": str(len(DATA)), "Host": parts.netloc}
    )
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    sock.sendall(f"PATCH {location} HTTP/1.1\r\n{lines}\r\n".encode() + data)
    return sock


def _settled(site: Site, location: str, wanted: int) -> int:
    deadline = time.monotonic() + 10
    while (offset := site.offset(location)) != wanted and time.monotonic() < deadline:
        time.sleep(0.1)
    return offset
