"""A published collection behind the partner surface under gunicorn, and partners that may fetch it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import requests
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts.models import MachineClient
from app.core.db import Database
from app.core.identity import Role
from app.manifest.listing import parse_manifest
from app.recordings.models import Clip, Recording
from app.releases import queries, tasks
from app.releases.models import Release, TufMetadata, TufTarget
from app.releases.service import publishing
from app.storage.models import DataKey
from app.storage.vault import Vault
from tests.factories.accounts import make_client, make_organisation
from tests.factories.assertions import TYPE, assertion
from tests.factories.grants import open_grant
from tests.factories.home import make_home, make_settings
from tests.factories.recordings import job_context
from tests.factories.releases import Stage, make_stage
from tests.factories.server import gunicorn_process


@dataclass(frozen=True)
class Partner:
    """A company's machine client: what it was given, and its grant."""

    server: str
    collection: str
    root: bytes
    client_id: UUID
    token: str
    credentials: Path
    grant_id: UUID


@dataclass(frozen=True)
class World:
    """A published collection and the partner surface that serves it; `log` is the server's access log."""

    stage: Stage
    server: str
    log: Path

    def make_partner(self, directory: Path) -> Partner:
        """A new company with an active grant and a machine client, its key and credentials in `directory`."""
        with self.stage.database.transaction() as session:
            company = make_organisation(session, kind="partner")
            grant = open_grant(session, self.stage, company)
            client, key = make_client(session, organisation=company, roles=[Role.PARTNER_ENGINEER])
            query = select(TufMetadata.content).where(TufMetadata.filename == "1.root.json")
            root = session.scalars(query).one()
        directory.mkdir()
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        document = {"server": self.server, "client_id": client.client_id, "private_key": "key.pem"}
        (directory / "root.json").write_bytes(root)
        for name, data in (("key.pem", pem), ("credentials.json", json.dumps(document).encode())):
            (directory / name).write_bytes(data)
            (directory / name).chmod(0o600)
        token = self._token(client, key)
        path = directory / "credentials.json"
        return Partner(self.server, self.stage.slug, root, client.id, token, path, grant.id)

    def _token(self, client: MachineClient, key: Any) -> str:
        endpoint = f"{self.server}/oauth/token"
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": TYPE,
            "client_assertion": assertion(client, key, aud=endpoint),
        }
        answer = requests.post(endpoint, data=form, timeout=30)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])

    def listed(self) -> dict[str, str]:
        """Every target of the published release and its SHA-256 in hex, as its signed manifest says."""
        with self.stage.database.transaction() as session:
            release_id = session.scalars(select(Release.id).where(Release.state == "published")).one()
            papers = {paper.path: paper for paper in queries.targets_of(session, release_id)}
            manifest = papers[f"releases/{release_id}/manifest.jsonl"]
            listed = {entry.path: entry.sha256 for entry in parse_manifest(self.stored(manifest))}
            for name in ("release.json", "manifest.jsonl"):
                path = f"releases/{release_id}/{name}"
                listed[path] = papers[path].sha256.hex()
        return listed

    def target(self, path: str) -> TufTarget:
        """The target that the published release has at this path."""
        digest = bytes.fromhex(self.listed()[path])
        with self.stage.database.transaction() as session:
            query = select(TufTarget).where(TufTarget.path == path, TufTarget.sha256 == digest)
            return session.scalars(query).one()

    def key_of(self, target: TufTarget) -> DataKey:
        with self.stage.database.transaction() as session:
            return session.get_one(DataKey, target.data_key_id)

    def stored(self, target: TufTarget) -> bytes:
        with self.stage.vault.open(self.key_of(target), target.blob_key) as stream:
            return stream.read()

    def store(self, target: TufTarget, data: bytes) -> None:
        self.stage.vault.write(self.key_of(target), target.blob_key, BytesIO(data))

    def refresh(self) -> None:
        """The scheduled job that signs the timestamp."""
        tasks.refresh(job_context(self.stage.database, self.stage.settings, self.stage.vault))

    @contextmanager
    def refreshed_at(self, moment: datetime) -> Iterator[None]:
        """The scheduled job last ran at `moment`."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(publishing, "now", lambda: moment)
            self.refresh()
        try:
            yield
        finally:
            self.refresh()


@contextmanager
def published_world(directory: Path, database_url: str) -> Iterator[World]:
    """One published release of two clips, each in a shard of its own."""
    settings = replace(make_settings(make_home(directory / "home"), database_url), shard_bytes=1)
    database = Database(database_url)
    stage = make_stage(database, settings, Vault.from_settings(settings))
    with database.transaction() as session:
        enlarge(session, stage.vault)
    stage.publish()
    log = directory / "access.log"
    with gunicorn_process(settings, surface="partner", access_log=log) as (address, _):
        yield World(stage, address, log)
    database.dispose()


def enlarge(session: Session, vault: Vault) -> None:
    """Makes the first clip so large that its shard is stored in several separately encrypted chunks."""
    clip = session.scalars(select(Clip).order_by(Clip.id).limit(1)).one()
    key = session.get_one(DataKey, session.get_one(Recording, clip.recording_id).data_key_id)
    data = bytes(range(256)) * 4096
    vault.write(key, clip.blob_key, BytesIO(data))
    clip.size, clip.sha256 = len(data), hashlib.sha256(data).digest()
