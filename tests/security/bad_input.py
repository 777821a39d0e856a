"""The people, things and doors that the cases of bad input need: the real services behind the HTTP test client."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from flask.testing import FlaskClient
from sqlalchemy import select, text

from app.accounts.models import Person
from app.audit.models import AuditEvent
from app.core.clock import now
from app.core.db import Database
from app.core.identity import Role
from app.factory import create_app
from app.jobs.app import job_app
from app.jobs.run import run_worker
from app.jobs.task import declared_in
from app.settings import Settings
from app.storage.vault import Vault
from app.worker import task_modules
from tests.factories.accounts import bearer, make_client, make_person, make_token
from tests.factories.exercises import make_exercise
from tests.factories.releases import Stage, make_stage

TUS = {"Tus-Resumable": "1.0.0"}
SENDING = TUS | {"Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
STATE = (
    *("exercises", "uploads", "recordings", "renditions", "clips", "assignments", "annotations"),
    *("dataset_versions", "dataset_items", "releases", "release_signatures", "tuf_targets"),
)


@dataclass
class Desk:
    """A staff surface with an officer at it, and what lies behind."""

    database: Database
    settings: Settings
    vault: Vault
    http: FlaskClient
    officer: dict[str, str]
    person_id: UUID
    exercise_id: UUID

    @classmethod
    def open(cls, database: Database, settings: Settings, vault: Vault) -> Desk:
        with database.transaction() as session:
            person = make_person(session, roles=[Role.DATA_OFFICER])
            exercise = make_exercise(session, organisation_id=person.organisation_id)
            officer = bearer(session, person)
        app = create_app(settings, "staff", database=database)
        client = app.test_client(use_cookies=False)
        return cls(database, settings, vault, client, officer, person.id, exercise.id)

    def stage(self) -> Stage:
        """Labelled clips, a dataset and the people around a release."""
        return make_stage(self.database, self.settings, self.vault)

    def acting_as(self, person_id: UUID | None) -> dict[str, str]:
        """Headers of that person."""
        with self.database.transaction() as session:
            return bearer(session, session.get_one(Person, person_id))

    def expired_token(self) -> dict[str, str]:
        """Headers with the officer's token of a moment ago."""
        with self.database.transaction() as session:
            client, _ = make_client(session, person=session.get_one(Person, self.person_id))
            token = make_token(session, client, expires_at=now() - timedelta(seconds=1))
        return {"Authorization": f"Bearer {token}"}

    def creation(self, length: int, **said: str) -> dict[str, str]:
        """Headers that begin an upload of so many bytes into the officer's exercise."""
        said = {"filename": "clip.mp4", "exercise": str(self.exercise_id)} | said
        pairs = (f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in said.items())
        return self.officer | TUS | {"Upload-Length": str(length), "Upload-Metadata": ",".join(pairs)}

    def create(self, length: int, **said: str) -> str:
        """An upload's address."""
        answer = self.http.post("/api/v1/uploads", headers=self.creation(length, **said))
        assert answer.status_code == 201, answer.data
        return str(answer.headers["Location"])

    def hand_over(self, data: bytes, **said: str) -> dict[str, Any]:
        """Uploads the bytes whole, lets the worker do what follows; what the officer then reads of the upload."""
        location = self.create(len(data), **said)
        answer = self.http.patch(location, headers=self.officer | SENDING, data=data)
        assert answer.status_code == 204, answer.data
        self.work()
        return dict(self.http.get(f"{location}/status", headers=self.officer).json or {})

    def recording(self, recording_id: str) -> dict[str, Any]:
        """What the officer reads of a recording."""
        return dict(self.http.get(f"/api/v1/recordings/{recording_id}", headers=self.officer).json or {})

    def work(self) -> None:
        """A real worker, until no job is left."""
        resources = {Settings: self.settings, Database: self.database, Vault: self.vault}
        jobs = job_app(self.settings.database_url or "", declared_in(task_modules()))
        # In a thread: where a browser test ran before, its event loop still lives in this one.
        with ThreadPoolExecutor(1) as thread:
            thread.submit(run_worker, jobs, resources, wait=False).result()

    def state(self) -> Mapping[str, list[str]]:
        """Every row that bad input must not change."""
        with self.database.transaction() as session:
            return {
                table: sorted(map(str, session.execute(text(f'SELECT * FROM "{table}"')))) for table in STATE
            }

    def logged(self, subject: UUID | None = None) -> list[str]:
        """The log's tags, oldest first; those about `subject` if given."""
        query = select(AuditEvent.tag).order_by(AuditEvent.id)
        with self.database.transaction() as session:
            return list(
                session.scalars(query if subject is None else query.where(AuditEvent.subject_id == subject))
            )


Attempt = Callable[[], Any]
