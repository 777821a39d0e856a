"""A release as the service publishes it, fetched by three clients from the partner surface under gunicorn.

python-tuf's ngclient, npm's tuf-js and our own `cordon pull` each get a token by `private_key_jwt`, verify and download
every target; and each is refused by the same faults. The world is made once; every test has a partner of its own and
mends what it broke.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import requests
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from sqlalchemy import select

from app.accounts.models import MachineClient
from app.core.clock import now
from app.core.db import Database
from app.core.identity import Role
from app.manifest.listing import parse_manifest
from app.releases import queries, tasks
from app.releases.models import Download, Release, TufMetadata, TufTarget
from app.releases.service import grants, publishing
from app.storage.models import DataKey
from app.storage.vault import Vault
from tests.factories.accounts import make_client, make_organisation
from tests.factories.annotation import make_labelled_recording
from tests.factories.assertions import TYPE, assertion
from tests.factories.grants import open_grant
from tests.factories.home import make_home, make_settings
from tests.factories.recordings import job_context
from tests.factories.releases import Stage, make_stage
from tests.factories.server import gunicorn_process
from tests.factories.tuf_clients import Refused, ngclient, tuf_js

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("published-release")]
SHARD = "shards/000000.tar"


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


Client = Callable[[Partner, Path, list[str]], dict[str, bytes]]
"""(partner, its directory, target paths) → contents, all verified. Raises Refused."""


def run_cordon(directory: Path, *argv: str) -> dict[str, Any]:
    """One of our commands in a process of its own; its JSON. Raises Refused with the one line that it showed."""
    directory.mkdir(exist_ok=True)
    environment = {k: v for k, v in os.environ.items() if not k.startswith("CORDON_")}
    run = subprocess.run(
        [sys.executable, "-m", "app.cli", *argv, "--json"],
        env=environment | {"HOME": str(directory)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    if run.returncode != 0:
        assert len(run.stderr.strip().splitlines()) == 1, run.stderr
        raise Refused(run.stderr.strip())
    document: dict[str, Any] = json.loads(run.stdout)
    return document


def pull(partner: Partner, directory: Path) -> dict[str, Any]:
    """`cordon pull` into `directory`/targets."""
    root = ("--root", str(partner.credentials.with_name("root.json")))
    where = ("--dir", str(directory / "targets"), "--credentials", str(partner.credentials))
    return run_cordon(directory, "pull", partner.collection, *where, *root)


def cordon(partner: Partner, directory: Path, targets: list[str]) -> dict[str, bytes]:
    pull(partner, directory)
    assert run_cordon(directory, "verify", str(directory / "targets"))["good"] is True
    return {path: (directory / "targets" / path).read_bytes() for path in targets}


def stock(fetch: Callable[..., dict[str, bytes]]) -> Client:
    def client(partner: Partner, directory: Path, targets: list[str]) -> dict[str, bytes]:
        base = f"{partner.server}/tuf/{partner.collection}"
        return fetch(base, partner.root, directory, targets, partner.token)

    return client


CLIENTS: dict[str, Client] = {"ngclient": stock(ngclient), "tuf-js": stock(tuf_js), "cordon": cordon}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, new_database: Callable[[], str]) -> Iterator[World]:
    directory = tmp_path_factory.mktemp("world")
    settings = replace(make_settings(make_home(directory / "home"), new_database()), shard_bytes=1)
    assert settings.database_url is not None
    database = Database(settings.database_url)
    stage = make_stage(database, settings, Vault.from_settings(settings))
    stage.publish()
    log = directory / "access.log"
    with gunicorn_process(settings, surface="partner", access_log=log) as (address, _):
        yield World(stage, address, log)
    database.dispose()


@pytest.fixture
def partner(world: World, tmp_path: Path) -> Partner:
    return world.make_partner(tmp_path / "partner")


@pytest.fixture(params=CLIENTS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def client(name: str) -> Client:
    return CLIENTS[name]


def digests(contents: dict[str, bytes]) -> dict[str, str]:
    return {path: hashlib.sha256(data).hexdigest() for path, data in contents.items()}


def downloaded(directory: Path) -> list[Path]:
    """The target files that a client left for its user."""
    found = (directory / "targets").rglob("*")
    return [path for path in found if path.is_file() and ".cordon" not in path.parts]


def test_every_target_is_verified_downloaded_and_written_down(
    world: World, partner: Partner, client: Client, tmp_path: Path
) -> None:
    listed = world.listed()
    assert sum(path.startswith("shards/") for path in listed) >= 2
    assert digests(client(partner, tmp_path / "copy", list(listed))) == listed
    with world.stage.database.transaction() as session:
        handed = select(TufTarget.path).join(Download, Download.target_id == TufTarget.id)
        mine = handed.where(Download.actor_id == partner.client_id)
        assert sorted(session.scalars(mine)) == sorted(listed)


def test_a_second_release_is_picked_up(
    world: World, partner: Partner, client: Client, tmp_path: Path
) -> None:
    before = world.listed()
    client(partner, tmp_path / "copy", list(before))
    with world.stage.database.transaction() as session:
        make_labelled_recording(session, world.stage.vault)
    world.stage.publish()
    after = world.listed()
    assert len(set(after) - set(before)) == 2 + 3  # two clips in shards of their own, and the papers
    assert digests(client(partner, tmp_path / "copy", list(after))) == after


def test_a_pull_of_what_is_there_makes_two_requests(world: World, partner: Partner, tmp_path: Path) -> None:
    assert pull(partner, tmp_path / "copy")["unchanged"] is False
    before = world.log.read_text().splitlines()
    again = pull(partner, tmp_path / "copy")
    assert (again["unchanged"], again["requests"], again["fetched_bytes"]) == (True, 2, 0)
    metadata = f"GET /tuf/{partner.collection}/metadata"
    assert world.log.read_text().splitlines()[len(before) :] == [
        "POST /oauth/token 200",
        f"{metadata}/2.root.json 404",
        f"{metadata}/timestamp.json 200",
    ]


def test_a_revoked_grant_opens_nothing(
    world: World, partner: Partner, name: str, client: Client, tmp_path: Path
) -> None:
    listed = world.listed()
    client(partner, tmp_path / "copy", [SHARD])
    with world.stage.database.transaction() as session:
        grants.revoke_grant(session, world.stage.manager, grant_id=partner.grant_id, reason="breach")
    says = "no collection 'firearm-attack' is granted to you" if name == "cordon" else "HTTP 404"
    for directory in ("copy", "fresh"):
        with pytest.raises(Refused, match=says):
            client(partner, tmp_path / directory, list(listed))
    assert downloaded(tmp_path / "fresh") == []
    target = f"{partner.server}/tuf/{partner.collection}/targets/shards/{listed[SHARD]}.000000.tar"
    headers = {"Authorization": f"Bearer {partner.token}"}
    assert requests.get(target, headers=headers, timeout=30).status_code == 404


def test_an_expired_timestamp_is_refused(
    world: World, partner: Partner, client: Client, tmp_path: Path
) -> None:
    with world.refreshed_at(now() - timedelta(days=3)):
        with pytest.raises(Refused, match=r"(?i)timestamp.* expired"):
            client(partner, tmp_path / "copy", [SHARD])
        assert downloaded(tmp_path / "copy") == []
    assert client(partner, tmp_path / "copy", [SHARD])


def test_a_shard_altered_in_the_store_is_refused(
    world: World, partner: Partner, client: Client, tmp_path: Path
) -> None:
    """By somebody with the disk alone: the service itself does not hand it out."""
    target = world.target(SHARD)
    path = world.stage.settings.home / "objects" / target.blob_key
    sound = path.read_bytes()
    path.write_bytes(sound[:-20] + bytes([sound[-20] ^ 1]) + sound[-19:])
    try:
        with pytest.raises(Refused, match=r"HTTP 50\d"):
            client(partner, tmp_path / "copy", list(world.listed()))
        assert not any(path.name.endswith("000000.tar") for path in downloaded(tmp_path / "copy"))
    finally:
        path.write_bytes(sound)
    assert client(partner, tmp_path / "copy", [SHARD])


def test_a_shard_replaced_with_the_services_own_keys_is_refused(
    world: World, partner: Partner, client: Client, tmp_path: Path
) -> None:
    """By somebody with the disk and every key of the service: people's signatures still stand against it."""
    target = world.target(SHARD)
    sound = world.stored(target)
    world.store(target, sound[:-1] + b"x")
    try:
        with pytest.raises(Refused, match=r"(?i)sha-?256|hash"):
            client(partner, tmp_path / "copy", list(world.listed()))
        assert not any(path.name.endswith("000000.tar") for path in downloaded(tmp_path / "copy"))
    finally:
        world.store(target, sound)
    assert client(partner, tmp_path / "copy", [SHARD])
