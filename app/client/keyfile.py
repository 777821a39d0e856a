"""Private key files of people and machine clients: made here, 0600, and never sent anywhere."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key
from securesystemslib.signer import Key, Signer, SSlibKey

from app.client.credentials import read_private
from app.client.errors import ClientError
from app.manifest.errors import ManifestError
from app.manifest.keys import load_signer, new_private_pem

Passphrase = Callable[[], str]


@dataclass(frozen=True)
class PublicKey:
    """What may be shown and registered: the key id (its fingerprint), TUF's form of it, and PEM."""

    keyid: str
    key: dict[str, Any]
    pem: str


def new_key(path: Path, passphrase: Passphrase | None) -> PublicKey:
    """Writes a fresh Ed25519 key to `path`, 0600, and its public half to `path`.pub.

    With a passphrase it is encrypted (a person's); without, plain (a machine client's, which must start alone).
    Raises ClientError when the file exists or cannot be written.
    """
    try:
        pem = new_private_pem(passphrase() if passphrase else None)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(pem.private)
            file.flush()
            os.fsync(file.fileno())
        path.with_name(f"{path.name}.pub").write_bytes(pem.public)
    except FileExistsError:
        raise ClientError(f"{path} exists already: a key is never overwritten") from None
    except ManifestError as error:
        raise ClientError(str(error)) from error
    except OSError as error:
        raise ClientError(f"{path} cannot be written: {error.strerror}") from error
    return describe(load_public_key(path.with_name(f"{path.name}.pub")))


def open_key(path: Path, passphrase: Passphrase) -> Signer:
    """The signer in a key file; the passphrase is asked for only when it is encrypted. Raises ClientError."""
    read_private(path)
    try:
        return load_signer(path.absolute().as_uri(), passphrase)
    except ManifestError as error:
        raise ClientError(str(error)) from error


def load_public_key(path: Path) -> SSlibKey:
    """A public key from PEM. Raises ClientError unless it is Ed25519."""
    try:
        key = load_pem_public_key(path.read_bytes())
    except OSError as error:
        raise ClientError(f"{path} cannot be read: {error.strerror}") from error
    except ValueError:
        raise ClientError(f"{path} is not a PEM public key") from None
    if not isinstance(key, Ed25519PublicKey):
        raise ClientError(f"{path} is not an Ed25519 key")
    return SSlibKey.from_crypto(key)


def describe(key: Key) -> PublicKey:
    """The forms of a public Ed25519 key."""
    public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(key.keyval["public"]))
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    return PublicKey(key.keyid, dict(key.to_dict()), pem)
