"""Master keys, chosen by URI: they wrap the data key of each recording and never leave their file or KMS."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import parse_qsl, unquote, urlsplit

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from app.settings import SettingsError
from app.storage.base import StoreUnavailable
from app.storage.envelope import IntegrityError

KEY_SIZE = 32
_NONCE_SIZE = 12
Context = Mapping[str, str]


class MasterKeyError(SettingsError):
    """The master key is missing, unsafe or malformed; the message says which."""


class MasterKey(Protocol):
    """Wraps 32-byte data keys. `context` is authenticated: unwrapping needs the very same."""

    @property
    def id(self) -> str:
        """Names the key, so that a row says what wrapped it; never the key itself."""

    def wrap(self, data_key: bytes, context: Context) -> bytes:
        """The wrapped key. Raises StoreUnavailable when a KMS does not answer."""

    def unwrap(self, wrapped: bytes, context: Context) -> bytes:
        """The data key. Raises IntegrityError when the bytes, context or master key are not those of `wrap`."""


class FileMasterKey:
    """32 random bytes in a file of one's own; AES-256-GCM with the context as associated data."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)
        self.id = "file:" + hashlib.sha256(b"cordon master key id" + key).hexdigest()[:16]

    @classmethod
    def load(cls, path: Path) -> FileMasterKey:
        """Reads the base64 file. Raises MasterKeyError unless it is 32 bytes and only its owner can read it."""
        try:
            if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
                raise MasterKeyError(f"{path} can be read by others: chmod 600 it")
            key = base64.b64decode(path.read_bytes().strip(), validate=True)
        except FileNotFoundError:
            raise MasterKeyError(f"no master key at {path}: run 'cordon init' first") from None
        except (OSError, binascii.Error) as error:
            raise MasterKeyError(f"cannot read the master key at {path}: {error}") from None
        if len(key) != KEY_SIZE:
            raise MasterKeyError(f"{path} must hold {KEY_SIZE} bytes in base64, not {len(key)}")
        return cls(key)

    def wrap(self, data_key: bytes, context: Context) -> bytes:
        nonce = os.urandom(_NONCE_SIZE)
        return nonce + self._cipher.encrypt(nonce, data_key, _canonical(context))

    def unwrap(self, wrapped: bytes, context: Context) -> bytes:
        try:
            return self._cipher.decrypt(wrapped[:_NONCE_SIZE], wrapped[_NONCE_SIZE:], _canonical(context))
        except (InvalidTag, ValueError):
            raise IntegrityError("the wrapped data key does not belong to this master key") from None


class AwsKmsMasterKey:
    """A key that stays in AWS KMS; the context is its encryption context, so CloudTrail shows it."""

    def __init__(self, key_id: str, *, region: str | None = None, endpoint: str | None = None) -> None:
        import boto3  # costs a quarter of a second that a start without KMS need not spend
        from botocore.config import Config

        self.id = "aws-kms:" + key_id
        self._key_id = key_id
        config = Config(connect_timeout=5, read_timeout=10, retries={"mode": "standard", "max_attempts": 4})
        self._client: Any = boto3.client("kms", region_name=region, endpoint_url=endpoint, config=config)

    def wrap(self, data_key: bytes, context: Context) -> bytes:
        blob: bytes = self._call("encrypt", Plaintext=data_key, EncryptionContext=dict(context))[
            "CiphertextBlob"
        ]
        return blob

    def unwrap(self, wrapped: bytes, context: Context) -> bytes:
        answer = self._call("decrypt", CiphertextBlob=wrapped, EncryptionContext=dict(context))
        plain: bytes = answer["Plaintext"]
        return plain

    def _call(self, operation: str, **request: object) -> Any:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            return getattr(self._client, operation)(KeyId=self._key_id, **request)
        except ClientError as error:
            if error.response["Error"]["Code"] in ("InvalidCiphertextException", "IncorrectKeyException"):
                raise IntegrityError("the wrapped data key does not belong to this master key") from None
            raise StoreUnavailable("The key service refused the request") from error
        except BotoCoreError as error:
            raise StoreUnavailable("The key service does not answer") from error


def open_master_key(uri: str) -> MasterKey:
    """The key at `file:///path` or `aws-kms:///key-id[?region=NAME&endpoint=URL]`. Raises MasterKeyError."""
    parts = urlsplit(uri)
    if parts.scheme == "file" and parts.netloc in ("", "localhost"):
        return FileMasterKey.load(Path(unquote(parts.path)))
    if parts.scheme == "aws-kms" and (key_id := unquote(parts.path).strip("/")):
        options = dict(parse_qsl(parts.query))
        return AwsKmsMasterKey(key_id, region=options.get("region"), endpoint=options.get("endpoint"))
    raise MasterKeyError("a master key is file:///path or aws-kms:///key-id?region=…")


def generate_key_file(path: Path) -> None:
    """Writes a new master key, 0600, and syncs it. Raises FileExistsError rather than replace a key."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "wb") as file:
        file.write(base64.b64encode(os.urandom(KEY_SIZE)) + b"\n")
        file.flush()
        os.fsync(file.fileno())


def _canonical(context: Context) -> bytes:
    return json.dumps(dict(context), sort_keys=True, separators=(",", ":")).encode()
