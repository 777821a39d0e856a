"""Signing in: what opens, what stays shut, and how guessing gets slower."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts import service
from app.accounts.service import passwords
from app.accounts.service.sessions import FIRST_LOCK, FREE_ATTEMPTS, LONGEST_LOCK
from app.audit.models import AuditEvent
from app.core.identity import Role
from tests.factories.accounts import identity_of

Try = Any


@pytest.fixture
def try_(session: Session, secret: str, password: str, hands: Any) -> Try:
    """Signs a member in with what is right unless told otherwise."""

    def attempt(member: Any, **changed: str) -> Any:
        given_ = {"email": member.person.email, "password": password, "totp_code": member.code(hands.at)}
        return service.sign_in(session, **{"secret_key": secret, "surface": "staff", **given_, **changed})

    return attempt


def reasons(session: Session, person_id: Any) -> list[str]:
    session.flush()
    query = select(AuditEvent).where(AuditEvent.subject_id == person_id).order_by(AuditEvent.id)
    return [event.details.get("reason", event.tag) for event in session.scalars(query)]


def test_three_right_credentials_open_whatever_the_address_case(
    try_: Try, new_member: Any, session: Session
) -> None:
    member = new_member()
    assert try_(member, email=member.person.email.upper()) is member.person
    assert reasons(session, member.person.id) == ["sign-in:success"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"password": "four quiet otters swam"},
        {"totp_code": "000000"},
        {"totp_code": ""},
        {"surface": "partner"},
    ],
)
def test_one_wrong_thing_is_enough(
    try_: Try, new_member: Any, session: Session, wrong: dict[str, str]
) -> None:
    member = new_member()
    assert try_(member, **wrong) is None
    assert member.person.failed_attempts == 1
    assert len(reasons(session, member.person.id)) == 1


def test_an_unknown_address_costs_a_hash_too(
    try_: Try, new_member: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str | None] = []
    real = passwords.verify_password

    def watched(given_: str, stored: str | None) -> bool:
        seen.append(stored)
        return real(given_, stored)

    monkeypatch.setattr(passwords, "verify_password", watched)
    assert try_(new_member(), email="nobody@example.org") is None
    assert seen == [None]


def test_a_code_is_good_once_even_within_its_window(try_: Try, new_member: Any, hands: Any) -> None:
    member = new_member()
    code = member.code(hands.at)
    assert try_(member, totp_code=code) is member.person
    assert try_(member, totp_code=code) is None
    assert try_(member, totp_code=member.code(hands.at, steps=-1)) is None
    assert try_(member, totp_code=member.code(hands.at, steps=1)) is member.person


def test_a_right_code_is_not_spent_by_a_wrong_password(try_: Try, new_member: Any, hands: Any) -> None:
    member = new_member()
    code = member.code(hands.at)
    assert try_(member, totp_code=code, password="something else entirely") is None
    assert try_(member, totp_code=code) is member.person


@pytest.mark.parametrize("what", ["inactive", "organisation", "unactivated"])
def test_who_may_not_act_cannot_sign_in(try_: Try, new_member: Any, hands: Any, what: str) -> None:
    member = new_member()
    if what == "inactive":
        member.person.active = False
    elif what == "organisation":
        member.person.organisation.disabled_at = hands.at
    else:
        member.person.activation_hash = b"waiting"
    assert try_(member) is None


def test_after_five_failures_even_the_right_credentials_wait(try_: Try, new_member: Any, hands: Any) -> None:
    member = new_member()
    for _ in range(FREE_ATTEMPTS):
        assert try_(member, password="wrong wrong wrong") is None
    assert try_(member) is None
    hands.pass_(seconds=FIRST_LOCK.total_seconds() + 1)
    assert try_(member) is member.person
    assert member.person.failed_attempts == 0


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 2000)), min_size=1, max_size=14))
def test_the_lock_follows_its_model(
    try_: Try, new_member: Any, hands: Any, attempts: list[tuple[bool, int]]
) -> None:
    """A model of the throttle: (right credentials?, seconds before) → opens or not, and until when it is locked."""
    member, failures, locked_until = new_member(), 0, None
    for right, pause in attempts:
        hands.pass_(seconds=60 + pause)  # a fresh code each time
        locked = locked_until is not None and locked_until > hands.at
        opened = try_(member, **({} if right else {"password": "not the password"}))
        assert (opened is not None) == (right and not locked)
        if not locked:
            failures = 0 if right else failures + 1
            beyond = failures - FREE_ATTEMPTS
            locked_until = hands.at + min(FIRST_LOCK * 2**beyond, LONGEST_LOCK) if beyond >= 0 else None
        assert member.person.locked_until == locked_until
        assert member.person.failed_attempts == failures
    assert timedelta(seconds=30) == FIRST_LOCK < LONGEST_LOCK


def test_signing_out_ends_every_session(session: Session, new_member: Any) -> None:
    person = new_member(role=Role.REVIEWER).person
    before = person.fs_uniquifier
    assert service.person_of_session(session, before, "staff") is person
    assert service.person_of_session(session, before, "partner") is None
    service.sign_out(session, identity_of(person))
    assert service.person_of_session(session, before, "staff") is None
    assert reasons(session, person.id) == ["sign-in:end"]
