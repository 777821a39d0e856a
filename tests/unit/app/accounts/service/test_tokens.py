"""Client credentials: how long tokens live, whose they are, what ends them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.accounts import service
from app.accounts.models import AccessToken, ClientAssertion
from app.accounts.service.tokens import LIFETIME, record_refusal
from app.audit.models import AuditEvent
from app.core.identity import OrganisationKind, Role
from tests.factories.accounts import make_client, make_organisation, make_person, make_token
from tests.factories.assertions import assertion

Ask = Callable[..., Any]


def test_a_token_is_the_clients_for_900_seconds(session: Session, ask: Ask, hands: Any) -> None:
    client, key = make_client(session, roles=[Role.PARTNER_ENGINEER])
    issued = ask(assertion(client, key), purpose="evaluation of detector 7")
    assert issued.expires_in == 900
    who = service.identity_of_token(session, issued.access_token, "partner", request_id="r-2")
    assert who is not None
    assert (who.id, who.roles, who.person_id) == (client.id, {Role.PARTNER_ENGINEER}, None)
    assert (who.purpose, who.request_id) == ("evaluation of detector 7", "r-2")
    stored = session.scalars(select(AccessToken)).one()
    assert issued.access_token.encode() not in stored.token_hash
    hands.pass_(seconds=900)
    assert service.identity_of_token(session, issued.access_token, "partner") is None


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"grant_type": ""}, "invalid_request"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"scope": "everything"}, "invalid_scope"),
        ({"purpose": "x" * 201}, "invalid_request"),
        ({"purpose": "two\nlines"}, "invalid_request"),
        ({"client_assertion_type": "other"}, "invalid_client"),
        ({"client_id": "another"}, "invalid_client"),
    ],
)
def test_wrong_requests(session: Session, ask: Ask, form: dict[str, str], error: str) -> None:
    client, key = make_client(session)
    assert ask(assertion(client, key), **form).error == error


@pytest.mark.parametrize("what", ["client", "organisation", "person", "person's organisation", "surface"])
def test_disabling_refuses_new_tokens_and_ends_old_ones(
    session: Session, ask: Ask, hands: Any, what: str
) -> None:
    person = make_person(session, roles=[Role.PARTNER_ENGINEER])
    client, key = make_client(session, person=person)
    token = make_token(session, client)
    assert service.identity_of_token(session, token, "partner") is not None
    surface = "partner"
    if what == "client":
        client.disabled_at = hands.at
    elif what == "person":
        person.active = False
    elif what == "surface":
        surface = "staff"
    else:
        person.organisation.disabled_at = hands.at
    assert ask(assertion(client, key), surface=surface).error == "invalid_client"
    assert service.identity_of_token(session, token, surface) is None


@pytest.mark.parametrize("kind", list(OrganisationKind))
def test_each_kind_has_one_surface(session: Session, ask: Ask, kind: OrganisationKind) -> None:
    client, key = make_client(session, organisation=make_organisation(session, kind=kind))
    home = "partner" if kind is OrganisationKind.PARTNER else "staff"
    other = "staff" if home == "partner" else "partner"
    assert ask(assertion(client, key), surface=home).access_token
    assert ask(assertion(client, key), surface=other).error == "invalid_client"


def test_a_command_line_has_its_persons_roles_of_today(session: Session) -> None:
    person = make_person(session, roles=[Role.REVIEWER])
    client, _ = make_client(session, person=person, roles=[Role.ADMINISTRATOR])
    token = make_token(session, client)
    person.roles = ["annotator"]
    who = service.identity_of_token(session, token, "staff")
    assert who is not None
    assert (who.roles, who.person_id, who.id) == ({Role.ANNOTATOR}, person.id, client.id)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(age=st.integers(0, 2000))
def test_a_token_lives_exactly_its_time_and_is_swept_after(session: Session, hands: Any, age: int) -> None:
    client, _ = make_client(session)
    token = make_token(session, client, expires_at=hands.at + LIFETIME)
    spent = ClientAssertion(
        client_id=client.id, jti=f"{age}-{token}", expires_at=hands.at + timedelta(seconds=90)
    )
    session.add(spent)
    session.flush()
    start = hands.at
    hands.pass_(seconds=age)
    alive = service.identity_of_token(session, token, "partner") is not None
    assert alive == (age < 900)
    service.sweep_expired(session)
    session.expire_all()
    left = session.scalar(select(func.count()).where(AccessToken.client_id == client.id))
    kept = session.scalar(select(func.count()).where(ClientAssertion.client_id == client.id))
    assert (left, kept) == (int(age < 900), int(age < 90))
    hands.at = start


def test_refusals_of_known_clients_are_audited(session: Session, ask: Ask) -> None:
    client, key = make_client(session)
    record_refusal(session, ask(assertion(client, generate_private_key(SECP256R1()))))
    record_refusal(session, ask(assertion(client, key, sub="nobody")))
    session.flush()
    events = session.scalars(select(AuditEvent).where(AuditEvent.tag == "token:refused")).all()
    assert [event.subject_id for event in events] == [client.id]
