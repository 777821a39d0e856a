"""Secrets that must be read again (TOTP seeds) are sealed at rest under a key derived from the service's secret."""

from __future__ import annotations

import base64
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_INFO = b"cordon totp seal v1"
_PREFIX = "v1."
_NONCE_BYTES = 12


class SealError(Exception):
    """What was sealed was changed, belongs to another row, or the service's secret key is another one."""


def _cipher(secret_key: str) -> AESGCM:
    """AES-256-GCM under HKDF-SHA-256 (RFC 5869) of the secret key."""
    return AESGCM(HKDF(SHA256(), 32, salt=None, info=_INFO).derive(secret_key.encode()))


def seal(secret_key: str, plain: str, *, owner: bytes) -> str:
    """`v1.` and base64url of a 12-byte nonce, the ciphertext and its tag, bound to the owner's id."""
    nonce = secrets.token_bytes(_NONCE_BYTES)
    sealed = nonce + _cipher(secret_key).encrypt(nonce, plain.encode(), owner)
    return _PREFIX + base64.urlsafe_b64encode(sealed).decode()


def unseal(secret_key: str, sealed: str, *, owner: bytes) -> str:
    """What was sealed for that owner. Raises SealError."""
    try:
        raw = base64.urlsafe_b64decode(sealed.removeprefix(_PREFIX))
        return _cipher(secret_key).decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], owner).decode()
    except (InvalidTag, ValueError) as error:
        raise SealError("a sealed secret cannot be opened: was the secret key replaced?") from error
