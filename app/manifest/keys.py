"""Signing keys: made, read from a key URI, written as TUF writes them, and named by a fingerprint.

`file:PATH` (or `file:///PATH`) is a PEM/PKCS#8 key, plain or encrypted. Any other scheme that securesystemslib
knows (PKCS#11, AWS KMS …) works too where its public key is given.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from securesystemslib.exceptions import Error as SslibError
from securesystemslib.signer import CryptoSigner, Key, Signer, SSlibKey

from app.manifest.errors import ManifestError

Passphrase = Callable[[], str]
"""Asked only when a key file is encrypted."""


@dataclass(frozen=True)
class KeyPem:
    """A new key pair as PEM: PKCS#8 and SubjectPublicKeyInfo."""

    private: bytes = field(repr=False)
    public: bytes


def new_private_pem(passphrase: str | None) -> KeyPem:
    """A fresh Ed25519 key, encrypted under the passphrase; None leaves it plain, for a machine's own use.

    Raises ManifestError for an empty passphrase.
    """
    if passphrase == "":
        raise ManifestError("a signing key needs a passphrase")
    private = Ed25519PrivateKey.generate()
    encryption = BestAvailableEncryption(passphrase.encode()) if passphrase else NoEncryption()
    return KeyPem(
        private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption),
        private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
    )


def load_signer(uri: str, passphrase: Passphrase | None = None, public_key: Key | None = None) -> Signer:
    """The signer that `uri` names. Raises ManifestError, never showing key material."""
    if not uri.startswith("file:"):
        if public_key is None:
            raise ManifestError(f"the key {uri!r} needs its public key beside it")
        try:
            return Signer.from_priv_key_uri(uri, public_key)
        except (SslibError, ValueError, OSError) as error:
            raise ManifestError(f"the key {uri!r} cannot be used: {error}") from error
    path = unquote(urlsplit(uri).path)
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise ManifestError(f"the key file {path} cannot be read: {error.strerror}") from error
    signer = _signer_from_pem(data, path, passphrase)
    if public_key is not None and signer.public_key.keyid != public_key.keyid:
        raise ManifestError(f"{path} holds another key than {public_key.keyid[:12]}")
    return signer


def _signer_from_pem(data: bytes, path: str, passphrase: Passphrase | None) -> CryptoSigner:
    secret = None
    if b"ENCRYPTED" in data:
        if passphrase is None:
            raise ManifestError(f"the key file {path} is encrypted: its passphrase is needed")
        secret = passphrase().encode()
    try:
        private = load_pem_private_key(data, secret)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ManifestError(
            f"the key file {path} cannot be opened: wrong passphrase, or not a PEM key"
        ) from error
    if not isinstance(private, Ed25519PrivateKey | EllipticCurvePrivateKey):
        raise ManifestError(f"the key file {path} is not an Ed25519 or ECDSA key")
    return CryptoSigner(private)


def key_to_dict(key: Key) -> dict[str, Any]:
    """`key` as TUF metadata and our HTTP interface write it: keytype, scheme, keyval."""
    return dict(key.to_dict())


def key_from_dict(document: Mapping[str, Any]) -> SSlibKey:
    """A public Ed25519 key from its TUF form; the key id is computed, never believed.

    Raises ManifestError for any other type of key, a malformed one, or a `keyid` member that does not match.
    """
    try:
        if (document["keytype"], document["scheme"]) != ("ed25519", "ed25519"):
            raise ManifestError(f"a key of type {document['keytype']!r} is not accepted: use Ed25519")
        public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(document["keyval"]["public"]))
    except (KeyError, TypeError, ValueError) as error:
        if isinstance(error, ManifestError):
            raise
        raise ManifestError("a public key is malformed") from error
    key = SSlibKey.from_crypto(public)
    if document.get("keyid", key.keyid) != key.keyid:
        raise ManifestError("a public key does not match its key id")
    return key
