"""A partner at work: a server with a collection, credentials, and a session."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from app.client.credentials import Credentials, load_credentials
from app.client.http import ApiSession
from app.client.pull import PinChoice, PullResult, pull
from app.manifest.keys import new_private_pem
from tests.factories.collection import SLUG, Collection
from tests.factories.hostile_server import Server, running_server


@pytest.fixture
def server() -> Iterator[Server]:
    with running_server() as running:
        yield running


@pytest.fixture
def credentials_file(server: Server, tmp_path: Path) -> Path:
    (tmp_path / "client.pem").write_bytes(new_private_pem(None).private)
    path = tmp_path / "credentials.json"
    path.write_text(json.dumps({"server": server.url, "client_id": "partner-1", "private_key": "client.pem"}))
    for secret in (tmp_path / "client.pem", path):
        secret.chmod(0o600)
    return path


@pytest.fixture
def credentials(credentials_file: Path) -> Credentials:
    return load_credentials(credentials_file)


@pytest.fixture
def session(credentials: Credentials) -> Iterator[ApiSession]:
    with ApiSession(credentials) as connected:
        yield connected


@pytest.fixture
def collection(server: Server) -> Collection:
    made = Collection()
    made.release()
    server.serve_collection(made)
    return made


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "release"


@pytest.fixture
def do_pull(session: ApiSession, collection: Collection, directory: Path) -> Callable[[], PullResult]:
    return lambda: pull(session, SLUG, directory, PinChoice(fingerprint=collection.fingerprint))


@pytest.fixture
def run(credentials_file: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    monkeypatch.setenv("CORDON_CREDENTIALS", str(credentials_file))
    monkeypatch.setenv("CORDON_KEY_PASSPHRASE", "correct horse battery")
    runner = CliRunner()
    return lambda command, *arguments, **more: runner.invoke(command, [str(a) for a in arguments], **more)
