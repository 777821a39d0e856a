"""The JWT by which a client proves its key to the token endpoint (RFC 7523, `private_key_jwt`)."""

from __future__ import annotations

import base64
import json
import secrets
import time
from collections.abc import Mapping

from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from app.client.credentials import ClientKey, Credentials

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_LIFETIME = 60


def client_assertion(credentials: Credentials) -> str:
    """A fresh assertion, valid for 60 seconds and one use: EdDSA or ES256 by the key (RFC 7515, RFC 8037)."""
    now = int(time.time())
    algorithm = "EdDSA" if isinstance(credentials.private_key, Ed25519PrivateKey) else "ES256"
    claims = {
        "iss": credentials.client_id,
        "sub": credentials.client_id,
        "aud": credentials.token_endpoint,
        "jti": secrets.token_urlsafe(24),
        "iat": now,
        "exp": now + _LIFETIME,
    }
    signing_input = f"{_part({'alg': algorithm, 'typ': 'JWT'})}.{_part(claims)}"
    return f"{signing_input}.{_base64url(_sign(credentials.private_key, signing_input.encode()))}"


def _sign(key: ClientKey, data: bytes) -> bytes:
    if isinstance(key, Ed25519PrivateKey):
        return key.sign(data)
    r, s = decode_dss_signature(key.sign(data, ECDSA(SHA256())))
    return r.to_bytes(32) + s.to_bytes(32)


def _part(document: Mapping[str, object]) -> str:
    return _base64url(json.dumps(document, separators=(",", ":")).encode())


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
