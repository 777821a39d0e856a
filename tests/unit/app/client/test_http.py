"""Credentials, tokens and errors, against a server that checks what it is given."""

from __future__ import annotations

import base64
import json
import time
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc import jwk, jwt

from app.client.assertion import client_assertion
from app.client.credentials import Credentials, load_credentials
from app.client.errors import ClientError
from app.client.http import ApiSession
from tests.factories.hostile_server import Server


def pem(key: object) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())  # type: ignore[attr-defined]


def write(path: Path, key: object, **members: str) -> Path:
    (path / "key.pem").write_bytes(pem(key))
    (path / "key.pem").chmod(0o600)
    file = path / "partner.json"
    document = {"server": "http://127.0.0.1:1", "client_id": "me", "private_key": "key.pem"} | members
    file.write_text(json.dumps(document))
    file.chmod(0o600)
    return file


@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")  # RFC 9864 renames it; authlib knows the old name
@pytest.mark.parametrize(
    ("key", "algorithm"),
    [(ed25519.Ed25519PrivateKey.generate(), "EdDSA"), (ec.generate_private_key(ec.SECP256R1()), "ES256")],
    ids=["EdDSA", "ES256"],
)
def test_another_library_accepts_our_assertion(tmp_path: Path, key: object, algorithm: str) -> None:
    credentials = load_credentials(write(tmp_path, key))
    public = jwk.import_key(pem(key), "OKP" if algorithm == "EdDSA" else "EC")
    token = jwt.decode(client_assertion(credentials), public, algorithms=[algorithm])
    assert token.claims["iss"] == token.claims["sub"] == "me"
    assert token.claims["aud"] == "http://127.0.0.1:1/oauth/token"
    assert token.claims["exp"] - token.claims["iat"] == 60
    assert abs(token.claims["iat"] - time.time()) < 5
    again = jwt.decode(client_assertion(credentials), public, algorithms=[algorithm])
    assert again.claims["jti"] != token.claims["jti"]


def test_one_token_serves_many_requests(session: ApiSession, server: Server) -> None:
    server.api = lambda method, path, body: (200, {"method": method, "path": path, "body": body})
    assert session.get_json("/api/v1/x")["path"] == "/api/v1/x"
    assert session.post_json("/api/v1/x", {"a": 1})["body"] == {"a": 1}
    assert len(server.tokens) == 1
    form = server.tokens[0]
    assert form["grant_type"] == "client_credentials"
    assert form["client_assertion_type"] == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    payload = form["client_assertion"].split(".")[1]
    assert json.loads(base64.urlsafe_b64decode(payload + "=="))["aud"] == f"{server.url}/oauth/token"


def test_a_token_that_is_refused_is_replaced_once(session: ApiSession, server: Server) -> None:
    server.api = lambda method, path, body: (200, {})
    session.get_json("/api/v1/x")
    server.valid_tokens.clear()
    session.get_json("/api/v1/x")
    assert len(server.tokens) == 2


def test_a_client_that_stays_refused_is_told(session: ApiSession, server: Server) -> None:
    server.api = lambda method, path, body: (401, {"title": "Sign in", "detail": "the client is revoked"})
    with pytest.raises(ClientError, match=r"Sign in: the client is revoked \(HTTP 401\)"):
        session.get_json("/api/v1/x")
    assert len(server.tokens) == 2


def test_wrong_credentials_are_one_line(session: ApiSession, server: Server) -> None:
    server.token_status = 401
    with pytest.raises(
        ClientError, match=r"gave no token: invalid_client: the key is not registered"
    ) as caught:
        session.get_json("/api/v1/x")
    assert caught.value.status == 401


def test_a_token_is_renewed_before_it_is_over(
    session: ApiSession, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.api = lambda method, path, body: (200, {})
    session.get_json("/api/v1/x")
    start = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: start + 700)
    session.get_json("/api/v1/x")
    assert len(server.tokens) == 1
    monkeypatch.setattr(time, "monotonic", lambda: start + 800)
    session.get_json("/api/v1/x")
    assert len(server.tokens) == 2


def test_a_get_is_tried_again_and_a_post_is_not(session: ApiSession, server: Server) -> None:
    server.api = lambda method, path, body: (200, {"ok": True})
    session.get_json("/api/v1/x")
    server.fail_next = [503, 503]
    assert session.get_json("/api/v1/x") == {"ok": True}
    server.api = lambda method, path, body: (503, {"title": "Busy", "detail": "try again soon"})
    with pytest.raises(ClientError, match="Busy: try again soon"):
        session.post_json("/api/v1/x", {})
    assert [method for method, path, _ in server.requests if path == "/api/v1/x"].count("POST") == 1


def test_pages_are_followed(session: ApiSession, server: Server) -> None:
    pages = {
        "/api/v1/releases": {"items": [{"id": 1}], "next_cursor": "more"},
        "/api/v1/releases?cursor=more": {"items": [{"id": 2}], "next_cursor": None},
    }
    server.api = lambda method, path, body: (200, pages[path])
    assert [item["id"] for item in session.get_pages("/api/v1/releases")] == [1, 2]


@pytest.mark.parametrize("answer", ["<html>a proxy's page</html>", ["a", "list"], {}])
def test_an_error_that_is_no_problem_document_is_still_one_line(
    session: ApiSession, server: Server, answer: object
) -> None:
    server.api = lambda method, path, body: (400, answer)
    with pytest.raises(ClientError, match=r"Bad Request \(HTTP 400\)"):
        session.get_json("/api/v1/x")


def test_a_fault_of_the_service_names_the_request(session: ApiSession, server: Server) -> None:
    server.api = lambda method, path, body: (500, {"title": "It failed", "request_id": "r-123"})
    with pytest.raises(ClientError, match=r"^It failed \(HTTP 500, request r-123\)$"):
        session.get_json("/api/v1/x")


def test_a_long_detail_is_cut_and_kept_on_one_line(session: ApiSession, server: Server) -> None:
    server.api = lambda method, path, body: (400, {"title": "No", "detail": "line\n" * 1000})
    with pytest.raises(ClientError) as caught:
        session.get_json("/api/v1/x")
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


def test_a_server_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "sleep", lambda _: None)
    credentials = load_credentials(write(tmp_path, ed25519.Ed25519PrivateKey.generate()))
    message = r"http://127\.0\.0\.1:1 cannot be reached: no connection"
    with ApiSession(credentials) as session, pytest.raises(ClientError, match=message):
        session.get_json("/api/v1/x")


def test_a_netrc_does_not_replace_our_token(
    session: ApiSession, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    server.api = lambda method, path, body: (200, {"ok": True})
    assert session.get_json("/api/v1/x") == {"ok": True}


# --- credentials ----------------------------------------------------------------------------------------


def test_credentials_come_from_the_variable(
    credentials_file: Path, credentials: Credentials, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CORDON_CREDENTIALS", str(credentials_file))
    assert load_credentials().client_id == credentials.client_id
    monkeypatch.delenv("CORDON_CREDENTIALS")
    monkeypatch.setenv("HOME", str(credentials_file.parent))
    with pytest.raises(ClientError, match="give --credentials FILE"):
        load_credentials()
    default = credentials_file.parent / ".config" / "cordon"
    default.mkdir(parents=True)
    for name in ("credentials.json", "client.pem"):
        (credentials_file.parent / name).rename(default / name)
    assert load_credentials().directory == default


@pytest.mark.parametrize("which", ["credentials.json", "client.pem"])
def test_a_secret_that_others_can_read_is_refused(credentials_file: Path, which: str) -> None:
    (credentials_file.parent / which).chmod(0o644)
    with pytest.raises(ClientError, match="chmod 600"):
        load_credentials(credentials_file)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is not JSON"),
        ("[]", "one JSON object"),
        ("{}", "lacks 'server'"),
        ('{"server": 1}', "one JSON object of texts"),
        ('{"server": "ftp://x", "client_id": "a", "private_key": "client.pem"}', "not an http"),
        ('{"server": "http://example.org", "client_id": "a", "private_key": "client.pem"}', "must be https"),
        ('{"server": "https://x", "client_id": "a", "private_key": "none.pem"}', "cannot be read"),
    ],
)
def test_a_malformed_credentials_file_is_refused(credentials_file: Path, text: str, message: str) -> None:
    credentials_file.write_text(text)
    with pytest.raises(ClientError, match=message):
        load_credentials(credentials_file)


def test_only_strong_keys_of_two_kinds_are_used(tmp_path: Path) -> None:
    for key in (rsa.generate_private_key(65537, 2048), ec.generate_private_key(ec.SECP384R1())):
        with pytest.raises(ClientError, match="Ed25519 or a P-256"):
            load_credentials(write(tmp_path, key))


def test_the_key_is_never_shown(credentials: Credentials) -> None:
    assert "private_key" not in repr(credentials)
