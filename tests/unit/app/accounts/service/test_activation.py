"""Taking over an account: the code, the password, the authenticator app."""

from __future__ import annotations

from typing import Any

import pytest
from passlib.totp import TOTP
from sqlalchemy.orm import Session

from app.accounts import service
from app.accounts.models import Person
from app.accounts.service.activation import ActivationRefused
from app.accounts.service.passwords import WeakPassword
from app.core.identity import OrganisationKind, Role
from tests.factories.accounts import make_identity, make_organisation


@pytest.fixture
def invited(session: Session, hands: Any) -> tuple[Person, str]:
    admin = make_identity(session, Role.ADMINISTRATOR)
    force = make_organisation(session, kind=OrganisationKind.FORCE)
    return service.create_person(
        session,
        admin,
        organisation_id=force.id,
        email="Kim@force.example",
        name="Kim",
        roles=["data_officer"],
    )


def test_the_whole_way(session: Session, invited: Any, secret: str, password: str, hands: Any) -> None:
    person, code = invited
    assert len(code.replace("-", "")) * 5 >= 128
    setup = service.activate(
        session, secret_key=secret, email="kim@FORCE.example", code=code.lower(), password=password
    )
    app_code = TOTP(key=setup.totp_secret, format="base32").generate(hands.at).token
    given = {"email": person.email, "password": password, "totp_code": app_code}
    assert service.sign_in(session, secret_key=secret, surface="staff", **given) is None, "not confirmed yet"
    confirmed = service.confirm_activation(session, secret_key=secret, code=code, **given)
    assert confirmed is person
    assert person.activated
    assert setup.totp_secret not in (person.totp_secret or "")
    assert service.sign_in(session, secret_key=secret, surface="staff", **given) is None, "the code is spent"
    with pytest.raises(ActivationRefused):
        service.activate(session, secret_key=secret, email=person.email, code=code, password=password)


@pytest.mark.parametrize("wrong", ["code", "email", "late", "disabled", "organisation"])
def test_refused_alike(
    session: Session, invited: Any, secret: str, password: str, hands: Any, wrong: str
) -> None:
    person, code = invited
    email = person.email
    if wrong == "code":
        code = "AAAA-" + code[5:] if not code.startswith("AAAA") else "BBBB-" + code[5:]
    elif wrong == "email":
        email = "other@force.example"
    elif wrong == "late":
        hands.pass_(hours=72, seconds=1)
    elif wrong == "disabled":
        person.active = False
    else:
        person.organisation.disabled_at = hands.at
    with pytest.raises(ActivationRefused, match="Check the e-mail address and the code"):
        service.activate(session, secret_key=secret, email=email, code=code, password=password)
    assert person.password is None


def test_a_weak_password_or_a_wrong_digit_changes_nothing(
    session: Session, invited: Any, secret: str, password: str
) -> None:
    person, code = invited
    with pytest.raises(WeakPassword):
        service.activate(session, secret_key=secret, email=person.email, code=code, password="password12345")
    assert person.password is None
    service.activate(session, secret_key=secret, email=person.email, code=code, password=password)
    for given, why in ((password, "six digits"), (password + "!", "not the password")):
        with pytest.raises(ActivationRefused, match=why):
            service.confirm_activation(
                session, secret_key=secret, email=person.email, code=code, password=given, totp_code="abcdef"
            )
    assert not person.activated


def test_the_code_is_not_stored(session: Session, invited: Any) -> None:
    person, code = invited
    assert person.activation_hash is not None
    assert code.replace("-", "").encode() not in person.activation_hash
    assert len(person.activation_hash) == 32
