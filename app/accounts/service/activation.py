"""How a person takes over an account: a one-time code from the administrator, then a password and a TOTP app.

The code travels outside this service and never in a URL. Nobody can sign in until a TOTP code was confirmed.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy.orm import Session

from app.accounts import queries
from app.accounts.models import Person
from app.accounts.service import passwords, totp
from app.accounts.service.identities import identity_of_person
from app.accounts.service.sealing import seal, unseal
from app.audit.events import Tag
from app.audit.service import append
from app.core import clock
from app.core.errors import InvalidRequest

CODE_BYTES = 20  # 160 bits: nothing to guess, and still typed within a minute
CODE_LIFETIME = timedelta(hours=72)


class ActivationRefused(InvalidRequest):
    type = "activation-refused"
    title = "This activation code does not hold"


@dataclass(frozen=True, slots=True)
class TotpSetup:
    """What an authenticator app needs; shown once. `totp_secret` is base32."""

    totp_secret: str
    otpauth_uri: str


def start_activation(person: Person) -> str:
    """Takes away password and TOTP, and returns a fresh code of 32 letters and digits in groups of four."""
    code = base64.b32encode(secrets.token_bytes(CODE_BYTES)).decode()
    person.password = person.totp_secret = person.last_totp_step = None
    person.failed_attempts, person.locked_until = 0, None
    person.activation_hash = _hash(code)
    person.activation_expires_at = clock.now() + CODE_LIFETIME
    return "-".join(code[i : i + 4] for i in range(0, len(code), 4))


def activate(session: Session, *, secret_key: str, email: str, code: str, password: str) -> TotpSetup:
    """First half: sets the password and hands out a TOTP seed. May be repeated until it is confirmed.

    Raises ActivationRefused (alike for an unknown address, a wrong and an expired code) and WeakPassword.
    """
    person = _waiting(session, email, code)
    passwords.check_password(password, person.email)
    seed = totp.new_secret()
    person.password = passwords.hash_password(password)
    person.totp_secret = seal(secret_key, seed, owner=person.id.bytes)
    return TotpSetup(seed, totp.provisioning_uri(seed, person.email))


def confirm_activation(
    session: Session, *, secret_key: str, email: str, code: str, password: str, totp_code: str
) -> Person:
    """Second half: a TOTP code proves that the app is set up, and the account opens. Raises ActivationRefused."""
    person = _waiting(session, email, code)
    if person.totp_secret is None or not passwords.verify_password(password, person.password):
        raise ActivationRefused("Start again: this is not the password that you chose a moment ago")
    seed = unseal(secret_key, person.totp_secret, owner=person.id.bytes)
    step = totp.matched_step(seed, totp_code, at=clock.now(), last_step=None)
    if step is None:
        raise ActivationRefused(
            "The six digits are wrong: check that your device's clock is right, then try again"
        )
    person.last_totp_step = step
    person.activation_hash = person.activation_expires_at = None
    person.fs_uniquifier = secrets.token_hex(32)
    identity = identity_of_person(person)
    append(session, identity, Tag.PERSON_PASSWORD, subject=("person", person.id))
    append(session, identity, Tag.PERSON_TOTP, subject=("person", person.id))
    return person


def _waiting(session: Session, email: str, code: str) -> Person:
    person = queries.person_by_email(session, email, lock=True)
    if (
        person is None
        or person.activation_hash is None
        or not hmac.compare_digest(person.activation_hash, _hash(code))
        or person.activation_expires_at is None
        or person.activation_expires_at <= clock.now()
        or not person.active
        or person.organisation.disabled_at is not None
    ):
        raise ActivationRefused(
            "Check the e-mail address and the code, or ask your administrator for a new one"
        )
    return person


def _hash(code: str) -> bytes:
    """SHA-256 of the code as typed, without regard to case, spaces and dashes; it is random, so no salt is needed."""
    plain = "".join(c for c in code.upper() if c.isalnum())
    return hashlib.sha256(b"cordon activation\n" + plain.encode()).digest()
