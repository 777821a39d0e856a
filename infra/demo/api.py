"""HTTP as a person or a machine would use it: activation, tokens by private_key_jwt, JSON. No code of Cordon's own."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import load_pem_private_key

TIMEOUT = 60
TOTP_PERIOD = 30
TOTP_MARGIN = 5


class JourneyFailed(Exception):
    """A stage did not do what it should; the message says which and how."""


def totp(secret: str, step_offset: int = 0) -> str:
    """RFC 6238 with SHA-1, six digits, thirty seconds: what an authenticator app shows."""
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    counter = int(time.time()) // TOTP_PERIOD + step_offset
    digest = hmac.new(key, struct.pack(">Q", counter), hashlib.sha1).digest()
    start = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[start : start + 4])[0] & 0x7FFFFFFF) % 1_000_000:06d}"


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def client_assertion(client_id: str, key_file: Path, audience: str) -> str:
    """A private_key_jwt (RFC 7523), ES256 or EdDSA as the key is."""
    key = load_pem_private_key(key_file.read_bytes(), None)
    algorithm = "EdDSA" if isinstance(key, ed25519.Ed25519PrivateKey) else "ES256"
    now = int(time.time())
    claims = {"iss": client_id, "sub": client_id, "aud": audience, "jti": secrets.token_hex(16)}
    claims |= {"iat": now, "exp": now + 60}
    parts = [_b64(json.dumps(part).encode()) for part in ({"alg": algorithm, "typ": "JWT"}, claims)]
    message = ".".join(parts).encode()
    if isinstance(key, ed25519.Ed25519PrivateKey):
        signature = key.sign(message)
    elif isinstance(key, ec.EllipticCurvePrivateKey):
        r, s = decode_dss_signature(key.sign(message, ec.ECDSA(hashes.SHA256())))
        signature = r.to_bytes(32) + s.to_bytes(32)
    else:
        raise JourneyFailed(f"{key_file} is of a kind that the service does not take")
    return f"{message.decode()}.{_b64(signature)}"


@dataclass
class Api:
    """One actor's view of one surface, with the credentials file that a Cordon command wrote."""

    credentials: Path
    token: str = ""
    token_until: float = 0.0

    def __post_init__(self) -> None:
        document = json.loads(self.credentials.read_text())
        self.server: str = document["server"].rstrip("/")
        self.client_id: str = document["client_id"]
        self.key_file = self.credentials.parent / document["private_key"]

    def call(
        self, method: str, path: str, body: Any = None, *, expect: int = 0, **headers: str
    ) -> requests.Response:
        """One request; raises JourneyFailed unless the status is `expect` (0: any success)."""
        headers = {k.replace("_", "-"): v for k, v in headers.items()} | {
            "Authorization": f"Bearer {self._token()}"
        }
        answer = requests.request(method, self.server + path, json=body, headers=headers, timeout=TIMEOUT)
        if answer.status_code != expect if expect else not answer.ok:
            raise JourneyFailed(f"{method} {path} answered {answer.status_code}: {answer.text[:600]}")
        return answer

    def get(self, path: str) -> Any:
        return self.call("GET", path).json()

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        """A POST that must succeed; its JSON, if it has any."""
        answer = self.call("POST", path, body, **headers)
        return answer.json() if answer.content else None

    def take(self, path: str) -> requests.Response | None:
        """A POST that may find nothing yet (404: None)."""
        headers = {"Authorization": f"Bearer {self._token()}"}
        answer = requests.post(self.server + path, headers=headers, timeout=TIMEOUT)
        if answer.status_code == requests.codes.not_found:
            return None
        if not answer.ok:
            raise JourneyFailed(f"POST {path} answered {answer.status_code}: {answer.text[:600]}")
        return answer

    def poll(
        self, path: str, *, seconds: float, until: Callable[[requests.Response], bool]
    ) -> requests.Response:
        """Asks again and again until the answer suits. Raises JourneyFailed after `seconds`."""
        deadline = time.monotonic() + seconds
        while True:
            headers = {"Authorization": f"Bearer {self._token()}"}
            answer = requests.get(self.server + path, headers=headers, timeout=TIMEOUT)
            if until(answer):
                return answer
            if time.monotonic() > deadline:
                raise JourneyFailed(f"GET {path} still answers {answer.status_code}: {answer.text[:300]}")
            time.sleep(0.3)

    def wait(self, path: str, done: tuple[str, ...], *, seconds: float, bad: tuple[str, ...] = ()) -> Any:
        """Polls an object until its `state` is one of `done`. Raises JourneyFailed for `bad` or after `seconds`."""
        answer = self.poll(path, seconds=seconds, until=lambda a: a.ok and a.json()["state"] in (*done, *bad))
        found = answer.json()
        if found["state"] in bad:
            raise JourneyFailed(f"{path} is {found['state']}: {found.get('reason')}")
        return found

    def _token(self) -> str:
        if time.time() > self.token_until:
            endpoint = f"{self.server}/oauth/token"
            form = {
                "grant_type": "client_credentials",
                "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
                "client_assertion": client_assertion(self.client_id, self.key_file, endpoint),
            }
            answer = requests.post(endpoint, data=form, timeout=TIMEOUT)
            if not answer.ok:
                raise JourneyFailed(f"no token for {self.client_id}: {answer.text[:300]}")
            document = answer.json()
            self.token, self.token_until = document["access_token"], time.time() + document["expires_in"] - 60
        return self.token


def activate(server: str, email: str, code: str, password: str) -> str:
    """Opens an account over HTTP as its owner would; returns the authenticator's secret.

    Confirms with the code of the step before: each is good once, and signing in follows at once.
    """
    body = {"email": email, "code": code, "password": password}
    answer = requests.post(f"{server}/api/v1/activation", json=body, timeout=TIMEOUT)
    if not answer.ok:
        raise JourneyFailed(f"activating {email}: {answer.status_code} {answer.text[:300]}")
    secret: str = answer.json()["totp_secret"]
    if (late := TOTP_PERIOD - time.time() % TOTP_PERIOD) < TOTP_MARGIN:
        time.sleep(late)  # the step before would be two steps old by the time it is checked
    body["totp"] = totp(secret, -1)
    answer = requests.post(f"{server}/api/v1/activation/confirm", json=body, timeout=TIMEOUT)
    if not answer.ok:
        raise JourneyFailed(f"confirming {email}: {answer.status_code} {answer.text[:300]}")
    return secret
