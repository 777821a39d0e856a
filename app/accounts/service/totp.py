"""Time-based one-time passwords (RFC 6238) by the library that Flask-Security's own TOTP stands on.

Six digits, 30-second steps, SHA-1: what every authenticator app speaks. A step that was used is never good again.
"""

from __future__ import annotations

from datetime import datetime

from passlib.exc import TokenError
from passlib.totp import TOTP

ISSUER = "Cordon"
STEP_SECONDS = 30
_Totp = TOTP.using(issuer=ISSUER, period=STEP_SECONDS, digits=6, alg="sha1")


def new_secret() -> str:
    """A fresh base32 seed of 160 bits."""
    return str(_Totp.new(size=20).base32_key)


def provisioning_uri(secret: str, email: str) -> str:
    """The otpauth:// address that an authenticator app reads from a QR code."""
    return str(_Totp(key=secret, format="base32").to_uri(label=email))


def matched_step(secret: str, code: str, *, at: datetime, last_step: int | None) -> int | None:
    """The step whose code this is, one step early or late allowed; None for a wrong or an already used code."""
    try:
        match = _Totp.verify(
            code, _Totp(key=secret, format="base32"), time=at, window=STEP_SECONDS, last_counter=last_step
        )
    except (TokenError, ValueError):
        return None
    return int(match.counter)
