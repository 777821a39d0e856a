"""Uploads straight to a real S3 server: the client, the API, the jobs, and what is left in the store."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import re
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import requests
from click.testing import CliRunner
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from sqlalchemy import select
from werkzeug.serving import make_server

from app.audit.models import AuditEvent
from app.client.credentials import load_credentials
from app.client.errors import ClientError
from app.client.http import ApiSession
from app.client.upload import direct as client
from app.client.upload.bandwidth import Bandwidth
from app.client.upload.command import upload as upload_command
from app.client.upload.model import Item, Outcome
from app.client.upload.sender import Sender
from app.client.upload.state import UploadState
from app.client.upload.stop import Stop
from app.client.upload.transfer import Line
from app.core.clock import now
from app.core.db import Database
from app.core.identity import Role
from app.factory import create_app
from app.recordings import tasks as recording_tasks
from app.recordings.models import Recording
from app.settings import Settings
from app.storage.models import DataKey
from app.storage.multipart import IncomingObjects
from app.storage.s3 import S3Store
from app.storage.vault import Vault
from app.uploads import tasks
from app.uploads.models import Upload
from app.uploads.service import direct, incoming
from app.uploads.service.errors import ScreenUnavailable
from tests.contract.conftest import s3_client
from tests.factories.accounts import bearer, make_client, make_person
from tests.factories.clamd import EICAR, FakeClamd
from tests.factories.exercises import make_exercise
from tests.factories.home import make_home, make_settings
from tests.factories.recordings import job_context
from tests.factories.server import free_port

PART = 5 * 2**20  # the least that S3 takes
HEAD = b"\0\0\0\x20ftypisom"
DATA = HEAD + os.urandom(2 * PART)
DIRECT = "/api/v1/uploads/direct"


@dataclass
class Site:
    """A staff surface whose footage rests in a bucket of its own, and a force's officer at it."""

    settings: Settings
    database: Database
    vault: Vault
    officer: dict[str, str]
    stranger: dict[str, str]
    exercise: UUID
    credentials: Path

    def call(
        self, method: str, path: str, who: dict[str, str] | None = None, **more: Any
    ) -> requests.Response:
        headers = self.officer if who is None else who
        return requests.request(method, self.settings.staff_url + path, headers=headers, timeout=60, **more)

    def open(self, length: int = len(DATA), **said: object) -> dict[str, Any]:
        body = {"exercise_id": str(self.exercise), "filename": "A.mp4", "length": length} | said
        answer = self.call("POST", DIRECT, json=body)
        assert answer.status_code == 201, answer.text
        document: dict[str, Any] = answer.json()
        return document

    def put(self, upload_id: str, data: bytes, number: int) -> None:
        part = data[(number - 1) * PART : number * PART]
        wanted = {"parts": [{"number": number, "sha256": hashlib.sha256(part).hexdigest()}]}
        answer = self.call("POST", f"{DIRECT}/{upload_id}/parts", json=wanted)
        assert answer.status_code == 200, answer.text
        assert answer.headers["Cache-Control"] == "no-store"
        address = answer.json()["parts"][0]
        sent = requests.put(address["url"], data=part, headers=address["headers"], timeout=60)
        assert sent.status_code == 200, sent.text

    def complete(self, upload_id: str, data: bytes) -> requests.Response:
        said = {"sha256": hashlib.sha256(data).hexdigest()}
        return self.call("POST", f"{DIRECT}/{upload_id}/complete", json=said)

    def send(self, data: bytes) -> UUID:
        """A whole upload by hand."""
        upload_id = self.open(len(data))["id"]
        for number in range(1, -(-len(data) // PART) + 1):
            self.put(upload_id, data, number)
        assert self.complete(upload_id, data).json()["state"] == "received"
        return UUID(upload_id)

    def row(self, upload_id: UUID | str) -> Upload:
        with self.database.transaction() as session:
            row = session.get(Upload, UUID(str(upload_id)))
            assert row is not None
            return row

    def work(self, upload_id: UUID) -> Upload:
        """Runs the jobs of an upload, each twice."""
        job = job_context(self.database, self.settings, self.vault)
        for _ in range(2):
            tasks.complete(job, upload_id=upload_id)
            recording_tasks.register(job, upload_id=upload_id)
        return self.row(upload_id)

    def sweep(self) -> None:
        tasks.sweep(job_context(self.database, self.settings, self.vault))

    def tags(self, upload_id: UUID) -> list[str]:
        with self.database.transaction() as session:
            query = select(AuditEvent.tag).where(AuditEvent.subject_id == upload_id).order_by(AuditEvent.id)
            return list(session.scalars(query))

    def waiting(self) -> list[str]:
        """All that lies in plain in the store: keys of objects in any version, and of unfinished uploads."""
        store = self.vault.store
        assert isinstance(store, S3Store)
        return sorted([*store.incoming.present(), *(one.key for one in store.incoming.begun())])


@pytest.fixture(scope="module")
def site(
    s3_endpoint: str, new_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    name, port, folder = f"direct-{secrets.token_hex(4)}", free_port(), tmp_path_factory.mktemp("direct")
    objects = s3_client(s3_endpoint)
    objects.create_bucket(Bucket=name)
    objects.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    settings = replace(
        make_settings(make_home(folder / "home"), new_database()),
        storage_url=f"s3://{name}?endpoint={s3_endpoint}&region=us-east-1",
        staff_url=f"http://127.0.0.1:{port}",
    )
    database, vault = Database(settings.database_url or ""), Vault.from_settings(settings)
    with database.transaction() as session:
        person = make_person(session, roles=[Role.DATA_OFFICER])
        machine, key = make_client(session, person=person)
        officer = bearer(session, person)
        stranger = bearer(session, make_person(session, roles=[Role.DATA_OFFICER]))
        exercise = make_exercise(session, organisation_id=person.organisation_id).id
    for file in ("key.pem", "officer.json"):
        (folder / file).touch(mode=0o600)
    (folder / "key.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    said = {"server": settings.staff_url, "client_id": machine.client_id, "private_key": "key.pem"}
    (folder / "officer.json").write_text(json.dumps(said))
    with pytest.MonkeyPatch.context() as patch, _served(settings, database, port):
        patch.setattr(direct, "PART_SIZE", PART)
        patch.setattr(direct, "COUNTED_EVERY", timedelta(0))
        yield Site(settings, database, vault, officer, stranger, exercise, folder / "officer.json")
    database.dispose()


@contextmanager
def _served(settings: Settings, database: Database, port: int) -> Iterator[None]:
    server = make_server("127.0.0.1", port, create_app(settings, "staff", database=database), threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield
    server.shutdown()
    thread.join()
    server.server_close()


class Observed:
    """Counts what goes out."""

    def __init__(self) -> None:
        self.bytes = 0

    def begun(self, item: Item, offset: int) -> None: ...

    def sent(self, item: Item, count: int) -> None:
        self.bytes += count

    def ended(self, item: Item) -> None: ...

    def says(self, text: str) -> None: ...


class Handing:
    """Files handed over as `cordon upload --direct` does, without its pauses; `again` is a later run of it."""

    def __init__(self, site: Site, folder: Path) -> None:
        self.observer = Observed()
        self._stop = Stop()
        self._stop.pause = lambda _: None  # type: ignore[method-assign]
        self._site = site
        self.state = UploadState("here", str(site.exercise), folder)

    def send(self, film: Path, *, workers: int = 1, **more: Any) -> Outcome:
        api = ApiSession(load_credentials(self._site.credentials))
        line = Line(Bandwidth(None, self._stop), self._stop, self.observer, 10)
        sender = Sender(api, str(self._site.exercise), self.state, line, direct=workers)
        item = Item(film, film.stat().st_size, film.name, "video/mp4", **more)
        return sender.send(item)


@pytest.fixture
def handing(site: Site, tmp_path: Path) -> Handing:
    return Handing(site, tmp_path / "state")


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """A file of three parts that look like footage, new each time."""
    path = tmp_path / "A.mp4"
    path.write_bytes(HEAD + os.urandom(2 * PART))
    return path


def test_a_file_goes_straight_to_the_store_and_becomes_an_encrypted_recording(
    site: Site, film: Path, handing: Handing, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG", "app")
    sent = handing.send(film, workers=3)
    data = film.read_bytes()
    assert (handing.observer.bytes, sent.sha256) == (len(data), hashlib.sha256(data).hexdigest())
    upload_id = UUID(sent.upload_id or "")
    row = site.row(upload_id)
    assert (row.via, row.state, row.offset, row.part_count) == ("direct", "received", len(data), 3)
    assert site.waiting() == [f"incoming/{upload_id}"]
    done = site.work(upload_id)
    assert (done.state, done.sha256) == ("recorded", hashlib.sha256(data).digest())
    assert site.waiting() == []
    assert list(site.settings.uploads_dir.iterdir()) == []
    assert site.tags(upload_id)[:2] == ["upload:create", "upload:complete"]
    with site.database.transaction() as session:
        recording = session.get(Recording, upload_id)
        assert recording is not None
        key = session.get(DataKey, recording.data_key_id)
        assert key is not None
        with site.vault.open(key, recording.blob_key) as stored:
            assert stored.read() == data
        with site.vault.store.read(recording.blob_key) as raw:
            assert HEAD not in raw.read()
    assert "X-Amz-Signature" not in caplog.text


def test_the_command_sends_this_way_when_asked(
    site: Site, film: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    said = ["--exercise", str(site.exercise), "--credentials", str(site.credentials), "--direct", "--json"]
    done = CliRunner().invoke(upload_command, [str(film), *said])
    assert done.exit_code == 0, done.output
    outcome = json.loads(done.stdout)["files"][0]
    assert outcome["state"] == "received"
    assert site.row(outcome["upload_id"]).via == "direct"
    assert site.work(UUID(outcome["upload_id"])).state == "recorded"


def test_a_cut_transfer_goes_on_with_what_the_store_lacks(
    site: Site, film: Path, handing: Handing, monkeypatch: pytest.MonkeyPatch
) -> None:
    put, tried = requests.put, []

    def cut(url: str, **more: Any) -> requests.Response:
        tried.append(url)
        if len(tried) == 1:
            raise requests.ConnectionError(url)
        if len(tried) == 2:
            more["data"] = b"?" + b"".join(more["data"])[1:]  # damaged on the way: the store refuses it
        if len(tried) == 5:
            raise KeyboardInterrupt
        return put(url, **more)

    monkeypatch.setattr(client.requests, "put", cut)
    with pytest.raises(KeyboardInterrupt):
        handing.send(film)
    assert len(tried) == 5
    known = handing.state.recall(film)
    assert known is not None
    location = known.location
    listed = site.call("GET", f"{location}/parts?limit=1").json()
    assert [part["number"] for part in listed["items"]] == [1]
    further = site.call("GET", f"{location}/parts?cursor={listed['next_cursor']}").json()
    assert ([part["number"] for part in further["items"]], further["next_cursor"]) == ([2], None)
    sent = handing.send(film)
    assert len(tried) == 6
    assert handing.observer.bytes == 2 * PART + film.stat().st_size  # two parts before it was cut
    handing.state.remember(film, location)
    assert handing.send(film) == sent  # an answer that was not heard
    assert len(tried) == 6
    assert sent.upload_id is not None
    assert site.work(UUID(sent.upload_id)).state == "recorded"


def test_a_file_that_differs_from_its_manifest_is_not_handed_over(
    site: Site, film: Path, handing: Handing
) -> None:
    with pytest.raises(ClientError, match="differs from its manifest"):
        handing.send(film, expected={"md5": "0" * 32})
    assert handing.state.recall(film) is None
    assert site.waiting() == []


def flip(path: Path) -> None:
    """The last byte becomes another, and the file's time stays."""
    facts = path.stat()
    path.write_bytes(path.read_bytes()[:-1] + bytes([path.read_bytes()[-1] ^ 1]))
    os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))


def test_a_file_that_changed_before_its_answer_was_heard_is_not_handed_over(
    site: Site, film: Path, handing: Handing
) -> None:
    sent = handing.send(film)
    handing.state.remember(film, f"/api/v1/uploads/direct/{sent.upload_id}")
    flip(film)
    with pytest.raises(ClientError, match="changed since it was sent"):
        handing.send(film)
    assert handing.state.recall(film) is None
    assert site.work(UUID(sent.upload_id or "")).state == "recorded"  # what did arrive


def test_what_the_force_holds_is_not_opened_again_unless_the_file_is_another(
    site: Site, film: Path, handing: Handing
) -> None:
    """Between the check and the sending another machine's upload became a recording."""
    sent = handing.send(film)
    site.work(UUID(sent.upload_id or ""))
    handing.state.forget(film)
    manifest = {"sha256": sent.sha256}
    again = handing.send(film, expected=manifest)
    assert (again.state, again.recording_id, again.sha256) == ("duplicate", sent.upload_id, sent.sha256)
    flip(film)
    with pytest.raises(ClientError, match="differs from its manifest"):
        handing.send(film, expected=manifest)


def test_what_is_to_be_sent_anew_is(site: Site, film: Path, handing: Handing) -> None:
    first = handing.send(film)
    done = site.work(UUID(first.upload_id or ""))
    with site.database.transaction() as session:
        session.get_one(Recording, done.id).state = "withdrawn"
    assert handing.send(film).upload_id == first.upload_id
    again = handing.send(film, anew=True)
    assert again.upload_id != first.upload_id
    assert site.work(UUID(again.upload_id or "")).state == "recorded"


def test_the_address_is_in_no_error(
    site: Site, film: Path, handing: Handing, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(url: str, **_: Any) -> requests.Response:
        raise requests.ConnectionError(f"no route to {url}")

    monkeypatch.setattr(client.requests, "put", unreachable)
    with pytest.raises(ClientError) as caught:
        handing.send(film)
    known = handing.state.recall(film)
    assert known is not None
    assert site.call("DELETE", known.location).status_code == 204
    assert str(caught.value) == "the object store cannot be reached (ConnectionError)"
    assert caught.value.__cause__ is None


def test_nothing_is_joined_while_parts_are_missing(site: Site) -> None:
    upload_id = site.open()["id"]
    assert site.complete(upload_id, DATA).json()["type"].endswith("/parts-missing")
    site.put(upload_id, DATA, 2)
    answer = site.complete(upload_id, DATA)
    assert (answer.status_code, answer.json()["missing"]) == (409, [1, 3])
    for number in (3, 1):
        site.put(upload_id, DATA, number)
    assert site.row(upload_id).offset == len(DATA) - PART  # as of the last time that it asked for an address
    for _ in range(2):
        assert site.complete(upload_id, DATA).json()["state"] == "received"
    assert site.call("POST", f"{DIRECT}/{upload_id}/parts", json={"parts": []}).status_code == 422
    assert site.tags(UUID(upload_id)).count("upload:complete") == 1
    assert site.work(UUID(upload_id)).state == "recorded"


def test_nobody_waits_while_the_store_begins_an_upload(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    opened, begin, calls = site.open(), IncomingObjects.begin, iter(range(2))
    wanted = {"parts": [{"number": 1, "sha256": "0" * 64}]}
    answers: list[requests.Response] = []

    def ask() -> None:
        answers.append(site.call("POST", f"{DIRECT}/{opened['id']}/parts", json=wanted))

    def begin_slowly(incoming: IncomingObjects, key: str) -> str:
        if next(calls) == 0:  # meanwhile another request asks for the same
            ask()
        return begin(incoming, key)

    monkeypatch.setattr(IncomingObjects, "begin", begin_slowly)
    ask()
    ids = {re.findall("uploadId=([^&]+)", one.json()["parts"][0]["url"])[0] for one in answers}
    assert len(answers) == 2
    assert ids == {site.row(opened["id"]).multipart_id}
    assert site.waiting() == [f"incoming/{opened['id']}"]
    assert site.call("DELETE", f"{DIRECT}/{opened['id']}").status_code == 204


def test_joined_and_not_heard_of_is_received_all_the_same(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = HEAD + os.urandom(100)
    upload_id = site.open(len(data))["id"]
    site.put(upload_id, data, 1)

    def die(*_: object) -> None:
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(direct, "finish", die)
        assert site.complete(upload_id, data).status_code == 500
    assert site.row(upload_id).state == "receiving"
    assert [part["number"] for part in site.call("GET", f"{DIRECT}/{upload_id}/parts").json()["items"]] == [1]
    site.sweep()
    assert site.complete(upload_id, data).json()["state"] == "received"
    assert site.work(UUID(upload_id)).state == "recorded"


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "kind"),
    [
        ("POST", "", {"exercise_id": "{exercise}", "filename": "a", "length": 0}, 422, "empty-upload"),
        (
            "POST",
            "",
            {"exercise_id": "{exercise}", "filename": "a", "length": 2**40},
            413,
            "upload-too-large",
        ),
        ("POST", "", {"exercise_id": "{exercise}", "filename": "a", "length": "10"}, 422, ""),
        ("POST", "", {"exercise_id": "{exercise}", "filename": "..", "length": 10}, 422, ""),
        ("POST", "", {"exercise_id": "{exercise}", "filename": "  ", "length": 10}, 422, ""),
        ("POST", "", {"exercise_id": "{exercise}", "filename": "a\nb.mp4", "length": 10}, 422, ""),
        (
            "POST",
            "",
            {"exercise_id": "{exercise}", "filename": "a", "length": 9, "sha256": "ab"},
            422,
            "",
        ),
        ("POST", "/{upload}/parts", {"parts": [{"number": 4, "sha256": "00" * 32}]}, 422, "invalid-request"),
        ("POST", "/{upload}/parts", {"parts": [{"number": 1, "sha256": "00" * 32}] * 2}, 422, ""),
        ("POST", "/{upload}/complete", {"sha256": "00" * 32}, 409, "parts-missing"),
        ("GET", "/{upload}/parts?cursor=x", None, 422, "invalid-request"),
    ],
)
def test_what_cannot_be_is_refused(
    site: Site, method: str, path: str, body: dict[str, Any] | None, status: int, kind: str
) -> None:
    upload_id = site.open()["id"]
    if body and body.get("exercise_id"):
        body = body | {"exercise_id": str(site.exercise)}
    answer = site.call(method, DIRECT + path.format(upload=upload_id), json=body)
    assert answer.status_code == status, answer.text
    assert answer.json()["type"].endswith(kind)
    assert site.row(upload_id).state == "created"
    assert site.call("DELETE", f"{DIRECT}/{upload_id}").status_code == 204


def test_others_see_nothing_and_each_way_keeps_to_its_own(site: Site) -> None:
    upload_id = site.open()["id"]
    wanted = {"parts": [{"number": 1, "sha256": "00" * 32}]}
    for method, path, body in (
        ("GET", "", None),
        ("DELETE", "", None),
        ("GET", "/parts", None),
        ("POST", "/parts", wanted),
        ("POST", "/complete", {"sha256": "00" * 32}),
    ):
        answer = site.call(method, f"{DIRECT}/{upload_id}{path}", site.stranger, json=body)
        assert answer.status_code == 404, path
    tus = site.officer | {"Tus-Resumable": "1.0.0", "Upload-Offset": "0"}
    sending = tus | {"Content-Type": "application/offset+octet-stream"}
    for method, headers in (("HEAD", tus), ("DELETE", tus), ("PATCH", sending)):
        assert site.call(method, f"/api/v1/uploads/{upload_id}", headers, data=b"").status_code == 409, method
    said = {"exercise_id": str(site.exercise), "filename": "a", "length": 10}
    key = site.officer | {"Idempotency-Key": secrets.token_hex(8)}
    once, again = (site.call("POST", DIRECT, key, json=said).json()["id"] for _ in range(2))
    assert once == again
    for ended in (upload_id, once):
        assert site.call("DELETE", f"{DIRECT}/{ended}").status_code == 204
    assert site.call("GET", f"{DIRECT}/{upload_id}/parts").status_code == 404


def test_what_is_given_up_expired_or_orphaned_leaves_the_store(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    given_up, expired, wanted = (site.open()["id"] for _ in range(3))
    for upload_id in (given_up, expired, wanted):
        site.put(upload_id, DATA, 1)
    assert site.call("DELETE", f"{DIRECT}/{given_up}").status_code == 204
    with site.database.transaction() as session:
        row = session.get(Upload, UUID(expired))
        assert row is not None
        row.expires_at = now() - timedelta(seconds=1)
    store = site.vault.store
    assert isinstance(store, S3Store)
    for key in (f"incoming/{UUID(int=7)}", f"incoming/{wanted}"):
        store.incoming.begin(key)
    with monkeypatch.context() as patch:
        site.sweep()
        assert site.waiting() == [f"incoming/{wanted}"] * 2  # the second may be one that is just begun
        patch.setattr(incoming, "JUST_BEGUN", timedelta(0))
        site.sweep()
    assert site.waiting() == [f"incoming/{wanted}"]
    assert site.row(expired).reason_code == "expired"
    site.put(wanted, DATA, 2)
    assert site.call("DELETE", f"{DIRECT}/{wanted}").status_code == 204
    assert site.waiting() == []


def test_bytes_that_are_not_what_was_declared_are_refused_and_removed(site: Site) -> None:
    data = HEAD + os.urandom(1000)
    wrong = site.open(len(data))["id"]
    site.put(wrong, data, 1)
    assert site.complete(wrong, b"another").json()["state"] == "received"
    assert site.work(UUID(wrong)).reason_code == "checksum_mismatch"
    swapped = site.send(data)
    store = site.vault.store
    store.put(
        f"incoming/{swapped}", io.BytesIO(HEAD + os.urandom(1000))
    )  # by whoever may write to the bucket
    assert site.work(swapped).reason_code == "damaged_in_staging"
    lost = site.send(data)
    store.delete(f"incoming/{lost}")
    assert site.work(lost).reason_code == "damaged_in_staging"
    assert site.waiting() == []


def test_what_the_own_force_holds_is_not_asked_for_either_way(site: Site) -> None:
    data = HEAD + os.urandom(1000)
    held = site.work(site.send(data))
    digest = hashlib.sha256(data).hexdigest()
    said = {"exercise": str(site.exercise), "filename": "a.mp4", "sha256": digest}
    pairs = (f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in said.items())
    by_tus = {"Tus-Resumable": "1.0.0", "Upload-Length": str(len(data)), "Upload-Metadata": ",".join(pairs)}
    body = {"exercise_id": str(site.exercise), "filename": "a.mp4", "length": len(data), "sha256": digest}
    for answer in (
        site.call("POST", "/api/v1/uploads", site.officer | by_tus),
        site.call("POST", DIRECT, json=body),
    ):
        assert (answer.status_code, answer.json()["recording_id"]) == (409, str(held.id))
        assert answer.json()["type"].endswith("/duplicate")


def test_versions_that_a_crash_left_under_a_deleted_object_are_swept(site: Site) -> None:
    store = site.vault.store
    assert isinstance(store, S3Store)
    store.put(f"incoming/{UUID(int=9)}", io.BytesIO(HEAD))
    store.incoming._client.delete_object(Bucket=store.bucket, Key=f"incoming/{UUID(int=9)}")
    assert (list(store.list("incoming/")), site.waiting()) == ([], [f"incoming/{UUID(int=9)}"])
    site.sweep()
    assert site.waiting() == []


def test_the_screen_looks_before_anything_is_kept(site: Site, tmp_path: Path) -> None:
    daemon = FakeClamd(tmp_path / "clamd.sock")
    screened = replace(site, settings=replace(site.settings, clamd=daemon.address, clamd_stream_bytes=2**20))
    infected = screened.send(HEAD + os.urandom(3 * 2**20) + EICAR)
    with pytest.raises(ScreenUnavailable):
        screened.work(infected)
    assert (site.row(infected).state, site.row(infected).sha256) == ("received", None)
    assert site.waiting() == [f"incoming/{infected}"]
    daemon.start()
    try:
        refused = screened.work(infected)
        clean = screened.work(screened.send(HEAD + os.urandom(2 * 2**20)))
    finally:
        daemon.stop()
    assert (refused.state, refused.reason_code) == ("rejected", "infected")
    assert "Eicar-Test" in (refused.reason or "")
    assert site.tags(infected)[-1] == "upload:infected"
    assert site.waiting() == []
    assert clean.state == "recorded"
    assert clean.details["screens"][0]["windows"] == 3
    assert "upload:screened" in site.tags(clean.id)


def test_the_whole_may_be_declared_before_its_last_part_and_what_the_force_has_is_refused(site: Site) -> None:
    data = HEAD + os.urandom(PART)
    sha256 = {"sha256": hashlib.sha256(data).hexdigest()}
    first, second = (site.open(len(data))["id"] for _ in range(2))
    site.put(first, data, 1)
    declared = site.call("POST", f"/api/v1/uploads/{first}/digest", json=sha256)
    assert (declared.status_code, declared.json()["declared_sha256"]) == (200, sha256["sha256"])
    site.put(first, data, 2)
    assert site.complete(first, data).json()["state"] == "received"
    assert site.work(UUID(first)).state == "recorded"
    refused = site.call("POST", f"/api/v1/uploads/{second}/digest", json=sha256)
    assert (refused.status_code, refused.json()["recording_id"]) == (409, first)
    assert site.call("DELETE", f"{DIRECT}/{second}").status_code == 204
    assert site.waiting() == []
