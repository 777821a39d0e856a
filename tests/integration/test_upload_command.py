"""`cordon upload` against the real service: uploads, resumes across runs, tells what became of each file."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import pytest
import requests
from click.testing import CliRunner, Result
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from app.client.http import ApiSession
from app.client.upload_command import upload
from app.core.db import Database
from app.core.identity import Role
from app.recordings import tasks
from app.settings import Settings
from app.storage.vault import Vault
from app.uploads import tasks as upload_tasks
from app.uploads.models import Upload
from app.uploads.service import Staging
from tests.factories.accounts import make_client, make_person
from tests.factories.exercises import make_exercise
from tests.factories.recordings import job_context, make_film
from tests.factories.server import gunicorn, kill_worker, start_worker

pytestmark = pytest.mark.slow


@dataclass
class Desk:
    credentials: Path
    exercise: UUID
    database: Database
    settings: Settings
    vault: Vault

    def run(self, *arguments: str | Path) -> Result:
        fixed = ["--exercise", str(self.exercise), "--credentials", str(self.credentials)]
        return CliRunner().invoke(upload, [*map(str, arguments), *fixed])

    def row(self, upload_id: str) -> Upload:
        with self.database.transaction() as session:
            row = session.get(Upload, UUID(upload_id))
            assert row is not None
            return row


@pytest.fixture
def desk(
    settings: Settings, database: Database, vault: Vault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Desk]:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    with database.transaction() as session:
        person = make_person(session, roles=[Role.DATA_OFFICER])
        client, key = make_client(session, person=person)
        exercise = make_exercise(session, organisation_id=person.organisation_id).id
    pem = tmp_path / "officer.pem"
    pem.touch(mode=0o600)
    pem.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    credentials = tmp_path / "officer.json"
    credentials.touch(mode=0o600)
    with gunicorn(settings) as address:
        said = {"server": address, "client_id": client.client_id, "private_key": pem.name}
        credentials.write_text(json.dumps(said))
        yield Desk(credentials, exercise, database, settings, vault)


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_film(tmp_path_factory.mktemp("film") / "film.mp4", seconds=3)


def test_a_folder_is_handed_over_and_waited_for(desk: Desk, film: Path, tmp_path: Path) -> None:
    folder = tmp_path / "card"
    folder.mkdir()
    shutil.copy(film, folder / "a.mp4")
    (folder / "broken.mp4").write_bytes(b"\0\0\0\x20ftypisom" + os.urandom(5000))
    (folder / "notes.mp4").write_text("a text with a film's name")
    worker = start_worker(desk.settings, tmp_path / "worker.log")
    try:
        done = desk.run(folder, "--wait", "--json")
    finally:
        kill_worker(worker)
    found = {Path(one["path"]).name: one for one in json.loads(done.stdout)}
    assert done.exit_code == 1
    assert found["a.mp4"]["state"] == "ready"
    assert found["a.mp4"]["sha256"] == hashlib.sha256(film.read_bytes()).hexdigest()
    assert found["a.mp4"]["recording_id"]
    assert (found["broken.mp4"]["state"], bool(found["broken.mp4"]["reason"])) == ("rejected", True)
    assert (found["notes.mp4"]["state"], found["notes.mp4"]["reason"]) == ("skipped", "not footage")


def test_a_later_run_goes_on_where_the_first_was_cut(
    desk: Desk, film: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from app.client import upload as module

    monkeypatch.setattr(
        module.Uploader.__init__,
        "__kwdefaults__",
        {**module.Uploader.__init__.__kwdefaults__, "chunk": 20_000},
    )
    send, sent = ApiSession.send, []

    def cut(self: ApiSession, method: str, path: str, **arguments: object) -> requests.Response:
        if method == "PATCH":
            sent.append(arguments["headers"]["Upload-Offset"])  # type: ignore[index]
            if len(sent) == 3:
                raise KeyboardInterrupt
        return send(self, method, path, **arguments)

    monkeypatch.setattr(ApiSession, "send", cut)
    assert desk.run(film).exit_code == 1
    assert sent == ["0", "20000", "40000"]
    done = desk.run(film, "--json")
    assert done.exit_code == 0, done.output
    assert sent[3] == "40000"
    outcome = json.loads(done.stdout)[0]
    row = desk.row(outcome["upload_id"])
    assert (row.state, row.declared_sha256) == ("received", hashlib.sha256(film.read_bytes()).digest())
    stored = Staging(desk.settings.uploads_dir).path(row.id).read_bytes()
    assert stored == film.read_bytes()


def test_the_same_file_again_is_no_failure(desk: Desk, film: Path) -> None:
    job = job_context(desk.database, desk.settings, desk.vault)
    for _ in range(2):
        outcome = json.loads(desk.run(film, "--json").stdout)[0]
        upload_tasks.complete(job, upload_id=UUID(outcome["upload_id"]))
        tasks.register(job, upload_id=UUID(outcome["upload_id"]))
    assert desk.row(outcome["upload_id"]).reason_code == "duplicate"
    done = desk.run(film)
    assert done.exit_code == 0


def test_errors_are_one_line(desk: Desk, film: Path, tmp_path: Path) -> None:
    text = tmp_path / "readme.txt"
    text.write_text("hello")
    nothing = desk.run(text)
    assert nothing.exit_code == 1
    assert "nothing here is footage" in nothing.stderr
    desk.exercise = UUID("0199c1d2-0000-7000-8000-000000000000")
    foreign = desk.run(film)
    assert foreign.exit_code == 1
    assert foreign.stderr.count("\n") == 1
    assert "HTTP 404" in foreign.stderr
    assert desk.run(tmp_path / "absent").exit_code == 2
