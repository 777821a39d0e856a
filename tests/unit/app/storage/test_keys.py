"""Master keys: wrapped keys open only with the same key and context; unsafe files are refused."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from app.storage.base import StoreUnavailable
from app.storage.envelope import IntegrityError
from app.storage.keys import FileMasterKey, MasterKey, MasterKeyError, generate_key_file, open_master_key

CONTEXT = {"subject_kind": "recording", "subject_id": "1"}


class KmsHandler(BaseHTTPRequestHandler):
    """Enough of AWS KMS's JSON protocol for boto3 to talk to: one key, encryption contexts enforced."""

    key = FileMasterKey(bytes(range(32)))

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        operation = self.headers["X-Amz-Target"].removeprefix("TrentService.")
        context = body.get("EncryptionContext", {})
        try:
            if operation == "Encrypt":
                sealed = self.key.wrap(base64.b64decode(body["Plaintext"]), context)
                self._answer(200, {"CiphertextBlob": base64.b64encode(sealed).decode()})
            else:
                plain = self.key.unwrap(base64.b64decode(body["CiphertextBlob"]), context)
                self._answer(200, {"Plaintext": base64.b64encode(plain).decode()})
        except IntegrityError:
            self._answer(400, {"__type": "InvalidCiphertextException"})

    def _answer(self, status: int, body: dict[str, str]) -> None:
        payload = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/x-amz-json-1.1")
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def kms_uri(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    server = ThreadingHTTPServer(("127.0.0.1", 0), KmsHandler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"aws-kms:///alias/cordon?region=eu-west-2&endpoint=http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture(params=["file", "kms"])
def master(request: pytest.FixtureRequest, tmp_path: Path) -> MasterKey:
    if request.param == "kms":
        return open_master_key(request.getfixturevalue("kms_uri"))
    generate_key_file(tmp_path / "keys" / "master.key")
    return open_master_key(f"file://{tmp_path}/keys/master.key")


def test_a_wrapped_key_opens_with_the_same_context_only(master: MasterKey) -> None:
    wrapped = master.wrap(b"k" * 32, CONTEXT)
    assert b"k" * 32 not in wrapped
    assert master.unwrap(wrapped, CONTEXT) == b"k" * 32
    for context in ({}, CONTEXT | {"subject_id": "2"}):
        with pytest.raises(IntegrityError):
            master.unwrap(wrapped, context)
    with pytest.raises(IntegrityError):
        master.unwrap(wrapped[:-1] + bytes([wrapped[-1] ^ 1]), CONTEXT)


def test_another_master_key_does_not_open_it() -> None:
    one, other = FileMasterKey(bytes(32)), FileMasterKey(b"1" * 32)
    assert one.id != other.id
    with pytest.raises(IntegrityError):
        other.unwrap(one.wrap(b"k" * 32, CONTEXT), CONTEXT)


def test_a_key_file_is_private_and_never_replaced(tmp_path: Path) -> None:
    path = tmp_path / "master.key"
    generate_key_file(path)
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(FileExistsError):
        generate_key_file(path)
    path.chmod(0o640)
    with pytest.raises(MasterKeyError, match="chmod 600"):
        open_master_key(f"file://{path}")


@pytest.mark.parametrize("content", [b"", b"c2hvcnQ=", b"not base64!", base64.b64encode(b"x" * 33)])
def test_a_malformed_key_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "master.key"
    path.touch(mode=0o600)
    path.write_bytes(content)
    with pytest.raises(MasterKeyError):
        open_master_key(f"file://{path}")


@pytest.mark.parametrize(
    "uri", ["", "master.key", "http://127.0.0.1/key", "aws-kms://", "file:///does/not/exist"]
)
def test_an_unusable_uri_is_refused(uri: str) -> None:
    with pytest.raises(MasterKeyError):
        open_master_key(uri)


def test_a_silent_key_service_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    key = open_master_key("aws-kms:///k?region=eu-west-2&endpoint=http://127.0.0.1:1")
    with pytest.raises(StoreUnavailable):
        key.wrap(b"k" * 32, CONTEXT)
