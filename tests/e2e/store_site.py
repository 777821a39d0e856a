"""A staff surface whose footage rests in a real bucket that pages send to, and an officer's browser at it.

The jobs are done by the test, in its own process, where a worker would: it says when.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import UUID

from flask import Flask
from playwright.sync_api import Browser, BrowserContext, Page
from sqlalchemy import select
from werkzeug.serving import make_server

from app.core.db import Database
from app.core.identity import OrganisationKind, Role
from app.recordings import tasks as recording_tasks
from app.recordings.models import Recording
from app.settings import Settings
from app.storage.models import DataKey
from app.storage.s3 import S3Store
from app.storage.vault import Vault
from app.uploads import tasks
from app.uploads.models import Upload
from tests.e2e.looks import Looks
from tests.factories.accounts import bearer, make_organisation, make_person
from tests.factories.exercises import make_exercise
from tests.factories.home import make_home, make_settings
from tests.factories.recordings import job_context
from tests.factories.seaweed import Seaweed
from tests.factories.server import free_port
from tests.factories.signing_in import PASSWORD, activated, build


@dataclass
class StoreSite:
    """What a test does and sees behind the page."""

    settings: Settings
    database: Database
    vault: Vault
    context: BrowserContext
    looks: Looks
    exercise: UUID

    @property
    def address(self) -> str:
        """The page that files are sent from."""
        return f"{self.settings.staff_url}/exercises/{self.exercise}"

    def open(self) -> Page:
        page = self.context.new_page()
        self.looks.watch(page)
        page.goto(self.address)
        return page

    def uploads(self, filename: str) -> list[Upload]:
        """Those of that name, oldest first."""
        with self.database.transaction() as session:
            return list(
                session.scalars(select(Upload).where(Upload.filename == filename).order_by(Upload.id))
            )

    def parts(self, upload: Upload) -> list[int]:
        """Numbers of the parts that the store holds of an unfinished upload."""
        assert upload.multipart_id is not None
        return [
            part.number for part in self._store.incoming.all_parts(upload.incoming_key, upload.multipart_id)
        ]

    def waiting(self) -> list[str]:
        """All that lies in plain in the store: keys of objects in any version, and of unfinished uploads."""
        incoming = self._store.incoming
        return sorted([*incoming.present(), *(one.key for one in incoming.begun())])

    def work(self, upload: Upload) -> bytes:
        """Does the jobs of an upload; returns the bytes of the recording that it became."""
        job = job_context(self.database, self.settings, self.vault)
        tasks.complete(job, upload_id=upload.id)
        recording_tasks.register(job, upload_id=upload.id)
        with self.database.transaction() as session:
            recording = session.get(Recording, upload.id)
            assert recording is not None
            key = session.get(DataKey, recording.data_key_id)
            assert key is not None
            with self.vault.open(key, recording.blob_key) as stored:
                return stored.read()

    @property
    def _store(self) -> S3Store:
        assert isinstance(self.vault.store, S3Store)
        return self.vault.store


@contextmanager
def store_site(
    weed: Seaweed, public: str, browser: Browser, folder: Path, new_database: Callable[[], str]
) -> Iterator[StoreSite]:
    """A bucket of its own, which browsers reach at `public`; an officer who has signed in, and an open exercise."""
    bucket, port = f"pages-{secrets.token_hex(4)}", free_port()
    weed.make_bucket(bucket)
    settings = replace(
        make_settings(make_home(folder / "home"), new_database()),
        storage_url=f"{weed.address_of(bucket)}&region=us-east-1&public={public}",
        staff_url=f"http://127.0.0.1:{port}",
        browser_uploads="direct",
    )
    database, vault = Database(settings.database_url or ""), Vault.from_settings(settings)
    app = build(settings, "staff", database)
    with database.transaction() as session:
        force = make_organisation(session, kind=OrganisationKind.FORCE).id
        admin = bearer(session, make_person(session, roles=[Role.ADMINISTRATOR]))
        exercise = make_exercise(session, organisation_id=force).id
    officer = activated(app.test_client(), admin, force, "kim@force.example")
    incoming = vault.store.incoming
    assert incoming is not None
    incoming.browsers.allow(settings.staff_origin)
    context = browser.new_context(locale="en-GB")
    context.set_default_timeout(20_000)
    with _served(app, port):
        entry = {"email": officer["email"], "password": PASSWORD, "totp_code": officer["pocket"].code()}
        assert context.request.post(f"{settings.staff_url}/test/session", data=entry).ok
        yield StoreSite(settings, database, vault, context, Looks(), exercise)
        context.close()
    database.dispose()


@contextmanager
def _served(app: Flask, port: int) -> Iterator[None]:
    server = make_server("127.0.0.1", port, app, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield
    server.shutdown()
