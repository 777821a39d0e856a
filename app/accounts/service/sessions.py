"""Signing people in and out. Guessing gets slower, a TOTP code is good once, and a refusal tells nothing."""

from __future__ import annotations

import secrets
from datetime import timedelta

from sqlalchemy.orm import Session

from app.accounts import queries
from app.accounts.models import Person
from app.accounts.service import passwords, totp
from app.accounts.service.identities import Surface, identity_of_person, person_may_act
from app.accounts.service.sealing import unseal
from app.audit.events import Tag
from app.audit.service import append
from app.core import clock
from app.core.errors import Unauthenticated
from app.core.identity import ANONYMOUS, Identity

FREE_ATTEMPTS = 5
FIRST_LOCK = timedelta(seconds=30)
LONGEST_LOCK = timedelta(minutes=15)


class SignInRefused(Unauthenticated):
    type = "sign-in-refused"
    title = "The e-mail address, the password or the code is wrong"

    def __init__(self) -> None:
        super().__init__(
            "Wait for a fresh code and try again; after five failures an account rests for a while"
        )


def sign_in(
    session: Session, *, secret_key: str, surface: Surface, email: str, password: str, totp_code: str
) -> Person | None:
    """The person, or None for any refusal whatever its reason (raise SignInRefused *after* committing).

    It returns rather than raises because a failure writes too: the count that locks the account, and the audit.
    An unknown address costs the same argon2 computation as a wrong password.
    """
    person = queries.person_by_email(session, email, lock=True)
    right = passwords.verify_password(password, person.password if person is not None else None)
    if person is None:
        return None
    at = clock.now()
    if person.locked_until is not None and person.locked_until > at:
        _refuse(session, person, "locked")
        return None
    step = _totp_step(person, secret_key, totp_code)
    if not right or step is None or not person_may_act(person, surface):
        _count_failure(person)
        _refuse(session, person, "credentials" if person_may_act(person, surface) else "not active here")
        return None
    _accept(person, password, step)
    append(session, identity_of_person(person), Tag.SIGN_IN_SUCCESS, subject=("person", person.id))
    return person


def sign_out(session: Session, identity: Identity) -> None:
    """Ends all the person's sessions: a copied cookie is worth nothing from now on."""
    person = session.get(Person, identity.person_id) if identity.person_id else None
    if person is not None:
        person.fs_uniquifier = secrets.token_hex(32)
        append(session, identity, Tag.SIGN_OUT, subject=("person", person.id))


def person_of_session(session: Session, fs_uniquifier: str, surface: Surface) -> Person | None:
    """Who a session cookie stands for; None once the session was ended or the person may not act here."""
    person = queries.person_by_session(session, fs_uniquifier)
    return person if person is not None and person_may_act(person, surface) else None


def _totp_step(person: Person, secret_key: str, code: str) -> int | None:
    if person.totp_secret is None:
        return None
    seed = unseal(secret_key, person.totp_secret, owner=person.id.bytes)
    return totp.matched_step(seed, code, at=clock.now(), last_step=person.last_totp_step)


def _accept(person: Person, password: str, step: int) -> None:
    person.failed_attempts, person.locked_until = 0, None
    person.last_totp_step, person.last_sign_in_at = step, clock.now()
    if passwords.needs_rehash(person.password or ""):
        person.password = passwords.hash_password(password)


def _count_failure(person: Person) -> None:
    """From the fifth failure in a row on, a lock of 30 s that doubles up to 15 minutes."""
    person.failed_attempts += 1
    beyond = person.failed_attempts - FREE_ATTEMPTS
    if beyond >= 0:
        person.locked_until = clock.now() + min(FIRST_LOCK * 2 ** min(beyond, 16), LONGEST_LOCK)


def _refuse(session: Session, person: Person, reason: str) -> None:
    append(
        session,
        ANONYMOUS,
        Tag.SIGN_IN_FAILURE,
        subject=("person", person.id),
        details={"reason": reason, "failures": person.failed_attempts},
        organisation_id=person.organisation_id,
    )
