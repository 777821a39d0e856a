"""Which client assertions hold, and that each holds once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from app.accounts import service
from app.accounts.service.tokens import OAuthError
from app.core.db import Database
from tests.factories.accounts import make_client
from tests.factories.assertions import ENDPOINT, TYPE, assertion, confused

Ask = Callable[..., Any]


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
