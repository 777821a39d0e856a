"""What must be read again, and rests where others could read it, is sealed under a key of the service's secret."""

from __future__ import annotations

import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_NONCE_BYTES = 12


class SealError(Exception):
    """What was sealed was changed, belongs to another row, or the service's secret key is another one."""


def _cipher(secret_key: str, purpose: str) -> AESGCM:
    """AES-256-GCM under HKDF-SHA-256 (RFC 5869) of the secret key: each purpose has a key of its own."""
    info = f"cordon {purpose} seal v1".encode()
    return AESGCM(HKDF(SHA256(), 32, salt=None, info=info).derive(secret_key.encode()))


def seal(secret_key: str, plain: bytes, *, purpose: str, owner: bytes) -> bytes:
    """A 12-byte nonce, the ciphertext and its tag, bound to its owner (a row's id)."""
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return nonce + _cipher(secret_key, purpose).encrypt(nonce, plain, owner)


def unseal(secret_key: str, sealed: bytes, *, purpose: str, owner: bytes) -> bytes:
    """What was sealed for that purpose and owner. Raises SealError."""
    try:
        return _cipher(secret_key, purpose).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], owner)
    except (InvalidTag, ValueError) as error:
        raise SealError("what is sealed cannot be opened: was the secret key replaced?") from error
