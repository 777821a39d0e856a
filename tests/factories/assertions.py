"""Client assertions (RFC 7523), good ones and forged ones."""

from __future__ import annotations

import base64
import hmac
import time
from typing import Any

from authlib.oauth2.rfc7523 import private_key_jwt_sign
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc.jwk import ECKey, Key, OKPKey

from app.accounts.models import MachineClient

ENDPOINT = "https://partners.example/oauth/token"
TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def jose(key: Any) -> Key:
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return OKPKey.import_key(pem) if isinstance(key, Ed25519PrivateKey) else ECKey.import_key(pem)


def assertion(client: MachineClient, key: Any, *, alg: str = "ES256", **claims: Any) -> str:
    """An assertion that holds unless told otherwise; a claim of None is left out."""
    now = int(time.time())
    document = {"exp": now + 60, "jti": str(time.perf_counter_ns()), **claims}
    signed: str = private_key_jwt_sign(
        key if isinstance(key, Key) else jose(key), client.client_id, ENDPOINT, alg=alg, claims=document
    )
    return signed


def confused(client: MachineClient, key: Any) -> str:
    """The classic: HS256 with the public key's text as the shared secret."""
    header = base64.urlsafe_b64encode(b'{"alg":"HS256","typ":"JWT"}').rstrip(b"=").decode()
    signed = f"{header}.{assertion(client, key).split('.')[1]}"
    mac = hmac.digest(client.public_key_pem.encode(), signed.encode(), "sha256")
    return f"{signed}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"
