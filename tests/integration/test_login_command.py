"""`cordon login` and `cordon keys register` against a real server: what they write, and that it works."""

from __future__ import annotations

import json
import stat
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from passlib.totp import TOTP
from werkzeug.serving import make_server

from app.accounts.service import passwords, totp
from app.accounts.service.sealing import seal
from app.client.credentials import load_credentials
from app.client.http import ApiSession
from app.client.keyfile import new_key
from app.client.login import login
from app.client.register_key import register
from app.core.db import Database
from app.core.identity import Role
from app.factory import create_app
from app.settings import Settings
from tests.factories.accounts import make_person

PASSWORD = "four quiet otters swim"


@pytest.fixture
def server(settings: Settings, database: Database) -> Iterator[str]:
    """The staff surface on a free loopback port."""
    app = create_app(settings, "staff", database=database)
    running = make_server("127.0.0.1", 0, app, threaded=True)
    address = f"http://127.0.0.1:{running.server_port}"
    app.extensions["cordon"][Settings] = replace(settings, staff_url=address)
    thread = threading.Thread(target=running.serve_forever, daemon=True)
    thread.start()
    yield address
    running.shutdown()
    running.server_close()
    thread.join()


@pytest.fixture
def approver(database: Database, settings: Settings) -> dict[str, str]:
    """What an approver types."""
    seed = totp.new_secret()
    with database.transaction() as session:
        person = make_person(session, roles=[Role.APPROVER])
        person.password = passwords.hash_password(PASSWORD)
        person.totp_secret = seal(settings.secret_key, seed, owner=person.id.bytes)
    code = TOTP(key=seed, format="base32").generate(time.time()).token
    return {"email": person.email, "id": str(person.id), "code": str(code)}


def type_login(server: str, path: Path, approver: dict[str, str], **env: str) -> Any:
    given = {"CORDON_PASSWORD": PASSWORD, "CORDON_TOTP": approver["code"]} | env
    words = ["--server", server, "--email", approver["email"], "--credentials", str(path)]
    return CliRunner().invoke(login, words, env=given)


def test_log_in_then_register_a_signing_key(server: str, approver: dict[str, str], tmp_path: Path) -> None:
    path = tmp_path / "mine" / "credentials.json"
    result = type_login(server, path, approver)
    assert result.exit_code == 0, result.output
    document = json.loads(path.read_text())
    assert set(document) == {"server", "client_id", "private_key"}
    key = path.parent / document["private_key"]
    assert {stat.S_IMODE(file.stat().st_mode) for file in (path, key)} == {0o600}
    assert sorted(path.parent.iterdir()) == sorted([path, key])
    session = ApiSession(load_credentials(path))
    assert session.get_json("/api/v1/me")["person_id"] == approver["id"]
    public = new_key(tmp_path / "approver.pem", None)
    words = ["--key", str(tmp_path / "approver.pem"), "--credentials", str(path), "--json"]
    registered = CliRunner().invoke(register, words)
    assert registered.exit_code == 0, registered.output
    assert json.loads(registered.stdout)["keyid"] == public.keyid
    twice = CliRunner().invoke(register, words)
    assert (twice.exit_code, "already" in twice.output) == (1, True)


def test_what_is_there_is_not_replaced_unasked(server: str, approver: dict[str, str], tmp_path: Path) -> None:
    path = tmp_path / "credentials.json"
    path.write_text("{}")
    result = type_login(server, path, approver)
    assert (result.exit_code, "--replace" in result.output, path.read_text()) == (1, True, "{}")


@pytest.mark.parametrize(
    ("env", "says"),
    [
        ({"CORDON_PASSWORD": "wrong"}, "the password or the code is wrong"),
        ({"CORDON_TOTP": "000000"}, "the password or the code is wrong"),
        ({"CORDON_TOTP": "junk"}, "HTTP 422"),
        ({"CORDON_TOTP": ""}, "set CORDON_TOTP"),
    ],
)
def test_a_refusal_is_one_line_and_leaves_nothing(
    server: str, approver: dict[str, str], tmp_path: Path, env: dict[str, str], says: str
) -> None:
    path = tmp_path / "mine" / "credentials.json"
    result = type_login(server, path, approver, **env)
    assert result.exit_code == 1
    assert says in result.output
    assert len(result.output.strip().splitlines()) == 1
    assert not path.parent.exists() or not list(path.parent.iterdir())


@pytest.mark.parametrize("server", ["http://cordon.example", "ftp://cordon.example", "cordon.example"])
def test_a_password_is_never_sent_in_the_clear(server: str, tmp_path: Path) -> None:
    approver = {"email": "a@b.example", "code": "123456"}
    result = type_login(server, tmp_path / "credentials.json", approver)
    assert result.exit_code == 1
    assert "https" in result.output or "not an http" in result.output
