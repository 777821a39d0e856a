"""A machine client's credentials: which service, which client id, and the private key that proves it.

The file is JSON, for its owner alone (0600): {"server": …, "client_id": …, "private_key": "client.pem",
"token_endpoint": optional, "ca": optional}. `private_key` is a PEM file beside it; the key itself is never sent
anywhere. `ca` is a PEM file (or folder) of the authorities to trust instead of the usual ones.
"""

from __future__ import annotations

import json
import os
import stat
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from app.client.errors import ClientError

CREDENTIALS_VARIABLE = "CORDON_CREDENTIALS"
DEFAULT_FILE = Path("~/.config/cordon/credentials.json")  # where `cordon login` writes them
_LOOPBACK = ("127.0.0.1", "localhost", "::1")

ClientKey = Ed25519PrivateKey | EllipticCurvePrivateKey


@dataclass(frozen=True)
class Credentials:
    """`server` has no trailing slash; `directory` is where the file lies."""

    server: str
    client_id: str
    private_key: ClientKey = field(repr=False)
    token_endpoint: str
    directory: Path
    ca: Path | None = None


def load_credentials(path: Path | None = None) -> Credentials:
    """Reads the file given, else $CORDON_CREDENTIALS, else what `cordon login` wrote.

    Raises ClientError saying what to mend.
    """
    if path is None:
        path = Path(os.environ.get(CREDENTIALS_VARIABLE) or DEFAULT_FILE).expanduser()
        if not path.exists():
            raise ClientError(
                f"no credentials in {path}: give --credentials FILE, set {CREDENTIALS_VARIABLE}, or 'cordon login'"
            )
    document = _read_document(path)
    server = _check_url(path, document["server"])
    endpoint = document.get("token_endpoint", f"{server}/oauth/token")
    return Credentials(
        server=server,
        client_id=document["client_id"],
        private_key=_load_key(path.parent / document["private_key"]),
        token_endpoint=_check_url(path, endpoint),
        directory=path.parent,
        ca=path.parent / document["ca"] if document.get("ca") else None,
    )


def _read_document(path: Path) -> dict[str, str]:
    document = _parse(path, read_private(path))
    for name in ("server", "client_id", "private_key"):
        if name not in document:
            raise ClientError(f"{path} lacks {name!r}")
    return document


def _parse(path: Path, data: bytes) -> dict[str, str]:
    try:
        document = json.loads(data)
    except ValueError:
        raise ClientError(f"{path} is not JSON") from None
    if not isinstance(document, dict) or not all(isinstance(value, str) for value in document.values()):
        raise ClientError(f"{path} must be one JSON object of texts")
    return document


def read_private(path: Path) -> bytes:
    """A secret file's bytes. Raises ClientError when it cannot be read, or when others can read it too."""
    try:
        if os.name == "posix" and stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise ClientError(f"{path} can be read by others: run 'chmod 600 {path}'")
        return path.read_bytes()
    except OSError as error:
        raise ClientError(f"{path} cannot be read: {error.strerror}") from error


def _load_key(path: Path) -> ClientKey:
    try:
        key = load_pem_private_key(read_private(path), None)
    except TypeError:
        raise ClientError(f"{path} is encrypted: a machine client's key must be plain, 0600") from None
    except (ValueError, UnsupportedAlgorithm):
        raise ClientError(f"{path} is not a PEM private key") from None
    if isinstance(key, Ed25519PrivateKey):
        return key
    if isinstance(key, EllipticCurvePrivateKey) and isinstance(key.curve, SECP256R1):
        return key
    raise ClientError(f"{path}: use an Ed25519 or a P-256 key")


def _check_url(path: Path, url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ClientError(f"{path}: {url!r} is not an http(s) address")
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        raise ClientError(f"{path}: {url!r} leaves this machine, so it must be https")
    return url.rstrip("/")
