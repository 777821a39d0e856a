"""An officer at a command line: a force, an exercise, credentials, and `cordon upload` against a running service."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

from click.testing import CliRunner, Result
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from sqlalchemy import select

from app.client.upload.command import upload
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
from tests.factories.recordings import job_context


@dataclass
class Desk:
    folder: Path
    credentials: Path
    exercise: UUID
    database: Database
    settings: Settings
    options: list[str] = field(default_factory=list)

    @property
    def server(self) -> str:
        return str(json.loads(self.credentials.read_text())["server"])

    def run(self, *arguments: str | Path) -> Result:
        fixed = ["--exercise", str(self.exercise), "--credentials", str(self.credentials), *self.options]
        return CliRunner().invoke(upload, [*map(str, arguments), *fixed])

    def files(self, *arguments: str | Path, status: int = 0) -> dict[str, dict[str, Any]]:
        """Runs with --json; what is said of each file, by its name."""
        done = self.run(*arguments, "--json")
        assert done.exit_code == status, (done.exit_code, done.output)
        return {one["name"]: one for one in json.loads(done.stdout)["files"]}

    def row(self, upload_id: str) -> Upload:
        with self.database.transaction() as session:
            row = session.get(Upload, UUID(upload_id))
            assert row is not None
            return row

    def stored(self, upload_id: str) -> bytes:
        return Staging(self.settings.uploads_dir).path(UUID(upload_id)).read_bytes()

    def staged(self) -> list[int]:
        """The sizes of what the server has on its disk for uploads of this exercise that are not empty."""
        staging = Staging(self.settings.uploads_dir)
        with self.database.transaction() as session:
            ids = session.scalars(select(Upload.id).where(Upload.exercise_id == self.exercise)).all()
        paths = [path for path in map(staging.path, ids) if path.exists()]
        return [size for path in paths if (size := path.stat().st_size)]

    def offsets(self) -> list[int]:
        """How far each upload of this exercise is."""
        with self.database.transaction() as session:
            return list(session.scalars(select(Upload.offset).where(Upload.exercise_id == self.exercise)))

    def process(self, upload_id: str) -> None:
        """What a worker does first with an upload that is whole: it becomes a recording, or is rejected."""
        job = job_context(self.database, self.settings, Vault.from_settings(self.settings))
        upload_tasks.complete(job, upload_id=UUID(upload_id))
        tasks.register(job, upload_id=UUID(upload_id))


def make_desk(settings: Settings, database: Database, folder: Path, server: str, **more: str) -> Desk:
    """A new force's officer, whose credentials name `server`; `more` are further members of the credentials."""
    with database.transaction() as session:
        person = make_person(session, roles=[Role.DATA_OFFICER])
        client, key = make_client(session, person=person)
        exercise = make_exercise(session, organisation_id=person.organisation_id).id
    pem, credentials = folder / "officer.pem", folder / "officer.json"
    for path in (pem, credentials):
        path.touch(mode=0o600)
    pem.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    said = {"server": server, "client_id": client.client_id, "private_key": pem.name} | more
    credentials.write_text(json.dumps(said))
    return Desk(folder, credentials, exercise, database, settings)


def film_like(size: int = 5_000_000, seed: bytes = b"") -> bytes:
    """Bytes that look like the beginning of an MP4, and are no film."""
    head = b"\0\0\0\x20ftypisom" + seed
    return (head + bytes(range(256)) * (size // 256 + 1))[:size]
