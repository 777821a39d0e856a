"""A clock that tests turn and a person who has activated."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from passlib.totp import TOTP
from sqlalchemy.orm import Session

from app.accounts import service
from app.accounts.models import Organisation, Person
from app.accounts.service import OAuthError, passwords, totp
from app.accounts.service.sealing import seal
from app.core import clock
from app.core.db import Database
from app.core.identity import Role
from tests.factories.accounts import make_person
from tests.factories.assertions import ENDPOINT, TYPE

SECRET = "unit-test-secret-0123456789-abcdefghijkl"
PASSWORD = "four quiet otters swim"


class Clock:
    """What `app.core.clock.now` answers; starts at the real time and moves only when told."""

    def __init__(self) -> None:
        self.at = datetime.now(clock.UTC)

    def pass_(self, **delta: float) -> None:
        self.at += timedelta(**delta)


@pytest.fixture
def hands(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock's hands."""
    turned = Clock()
    monkeypatch.setattr(clock, "now", lambda: turned.at)
    return turned


@pytest.fixture
def session(database: Database) -> Iterator[Session]:
    """One open transaction, committed at the end."""
    with database.transaction() as opened:
        yield opened


@dataclass
class Member:
    """An activated person and what is in their pocket."""

    person: Person
    seed: str

    def code(self, at: datetime, *, steps: int = 0) -> str:
        """The six digits that their app shows, `steps` × 30 s away."""
        return str(TOTP(key=self.seed, format="base32").generate(at + timedelta(seconds=30 * steps)).token)


def make_member(
    session: Session, *, role: Role = Role.DATA_OFFICER, organisation: Organisation | None = None
) -> Member:
    person = make_person(session, roles=[role], organisation=organisation)
    seed = totp.new_secret()
    person.password = passwords.hash_password(PASSWORD)
    person.totp_secret = seal(SECRET, seed, owner=person.id.bytes)
    session.flush()
    return Member(person, seed)


@pytest.fixture
def new_member(session: Session) -> Callable[..., Member]:
    return lambda **options: make_member(session, **options)


@pytest.fixture
def secret() -> str:
    return SECRET


@pytest.fixture
def password() -> str:
    return PASSWORD


@pytest.fixture
def ask(session: Session) -> Callable[..., Any]:
    """Asks for a token; the OAuthError, or the token."""

    def exchange(given_: str, *, surface: Any = "partner", **form: str) -> Any:
        whole = {
            "grant_type": "client_credentials",
            "client_assertion_type": TYPE,
            "client_assertion": given_,
            **form,
        }
        try:
            with session.begin_nested():
                return service.issue_token(
                    session, whole, token_endpoint=ENDPOINT, surface=surface, request_id="r-1"
                )
        except OAuthError as error:
            return error

    return exchange
