"""Client credentials: which assertions hold, once; how long tokens live; what ends them."""

from __future__ import annotations

import base64
import hmac
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from authlib.oauth2.rfc7523 import private_key_jwt_sign
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from joserfc.jwk import ECKey, Key, OKPKey
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.accounts import service
from app.accounts.models import AccessToken, ClientAssertion, MachineClient
from app.accounts.service.tokens import LIFETIME, OAuthError, record_refusal
from app.audit.models import AuditEvent
from app.core.db import Database
from app.core.identity import OrganisationKind, Role
from tests.factories.accounts import make_client, make_organisation, make_person, make_token

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


Ask = Callable[..., service.OAuthError | Any]


@pytest.fixture
def ask(session: Session) -> Ask:
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


def test_ed25519_by_either_name_of_its_algorithm(session: Session, ask: Ask) -> None:
    key = Ed25519PrivateKey.generate()
    client, _ = make_client(session)
    client.public_key_pem = (
        key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    )
    for alg in ("EdDSA", "Ed25519"):
        assert ask(assertion(client, key, alg=alg)).access_token


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "https://staff.example/oauth/token"},
        {"aud": [ENDPOINT + "/"]},
        {"iss": "somebody-else"},
        {"exp": int(time.time()) - 120},
        {"exp": int(time.time()) + 3600},
        {"exp": float("nan")},
        {"exp": "soon"},
        {"exp": True},
        {"exp": -(10**30)},
        {"jti": ""},
        {"jti": "x" * 300},
        {"jti": "nul\x00"},
        {"jti": 7},
        {"nbf": int(time.time()) + 3600},
        {"sub": "nobody"},
        {"sub": ["a"]},
        {"sub": "nul\x00"},
    ],
)
def test_wrong_claims(session: Session, ask: Ask, claims: dict[str, Any]) -> None:
    client, key = make_client(session)
    refused = ask(assertion(client, key, **claims))
    assert isinstance(refused, OAuthError)
    assert (refused.error, refused.status) == ("invalid_client", 401)


def test_wrong_keys_and_algorithms(session: Session, ask: Ask) -> None:
    client, key = make_client(session)
    for bad in (
        assertion(client, generate_private_key(SECP256R1())),
        confused(client, key),
        assertion(client, Ed25519PrivateKey.generate(), alg="EdDSA"),
        assertion(client, key).rsplit(".", 1)[0] + ".",
        "eyJhbGciOiJub25lIn0." + assertion(client, key).split(".")[1] + ".",
    ):
        assert ask(bad).error == "invalid_client"


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(junk=st.one_of(st.text(max_size=60), st.binary(max_size=60).map(lambda b: b.hex() + ".e30.AA")))
def test_junk_is_refused_not_a_fault(ask: Ask, junk: str) -> None:
    assert ask(junk).error == "invalid_client"


def test_an_assertion_works_once(session: Session, ask: Ask) -> None:
    client, key = make_client(session)
    once = assertion(client, key, jti="only")
    assert ask(once).access_token
    assert ask(once).error == "invalid_client"
    other, other_key = make_client(session)
    assert ask(assertion(other, other_key, jti="only")).access_token, "another client's ids are its own"


def test_two_at_once_cannot_both_be_first(database: Database) -> None:
    with database.transaction() as session:
        client, key = make_client(session)
    given_ = {"grant_type": "client_credentials", "client_assertion_type": TYPE}
    given_["client_assertion"] = assertion(client, key)
    results: list[str] = []

    def exchange() -> None:
        try:
            with database.transaction() as session:
                service.issue_token(
                    session, given_, token_endpoint=ENDPOINT, surface="partner", request_id=None
                )
                time.sleep(0.2)  # both are inside before either commits
            results.append("issued")
        except OAuthError as error:
            results.append(error.error)

    threads = [threading.Thread(target=exchange) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == ["invalid_client", "invalid_client", "issued"]


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
