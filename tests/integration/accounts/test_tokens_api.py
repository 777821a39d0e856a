"""Tokens over HTTP: enrolling a command line, the token endpoint, what does not hold."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from authlib.oauth2.rfc7523 import private_key_jwt_sign
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from flask import Flask
from flask.testing import FlaskClient
from joserfc.jwk import ECKey
from sqlalchemy import select, update

from app.accounts.models import AccessToken, Person
from app.audit.models import AuditEvent
from app.core.db import Database
from app.settings import Settings
from tests.factories.accounts import (
    make_client,
    make_token,
)
from tests.factories.signing_in import PASSWORD, TYPE, slug


def test_a_token_in_the_address_is_no_way_in(
    staff: Flask, officer: dict[str, Any], database: Database
) -> None:
    with database.transaction() as session:
        client, _ = make_client(session, person=session.get_one(Person, officer["id"]))
        token = make_token(session, client)
    for name in ("auth_token", "access_token"):
        assert staff.test_client().get(f"/api/v1/me?{name}={token}").status_code == 401


@pytest.mark.parametrize("header", ["Bearer nonsense", "Basic a2ltOng=", "Bearer", "Bearer \u00e9"])
def test_credentials_that_do_not_hold(api: FlaskClient, header: str) -> None:
    answer = api.get("/api/v1/me", headers={"Authorization": header})
    assert (answer.status_code, slug(answer)) == (401, "unauthenticated")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_an_expired_token_is_refused(api: FlaskClient, database: Database, admin: dict[str, str]) -> None:
    assert api.get("/api/v1/people", headers=admin).status_code == 200
    with database.transaction() as session:
        session.execute(update(AccessToken).values(expires_at=datetime.now(UTC) - timedelta(seconds=1)))
    assert api.get("/api/v1/people", headers=admin).status_code == 401


def test_a_command_line_of_ones_own(
    api: FlaskClient, officer: dict[str, Any], settings: Settings, database: Database
) -> None:
    with database.transaction() as session:
        _, key = make_client(session)
    pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    body = {"email": officer["email"], "password": PASSWORD, "name": "laptop", "public_key_pem": pem}
    code = officer["pocket"].code()
    enrolled = api.post("/api/v1/me/clients/enrol", json=body | {"totp": code})
    assert enrolled.status_code == 201, enrolled.json
    again = api.post("/api/v1/me/clients/enrol", json=body | {"totp": code})
    assert (again.status_code, slug(again)) == (401, "sign-in-refused")
    private = ECKey.import_key(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    endpoint = settings.staff_url + "/oauth/token"
    assertion = private_key_jwt_sign(
        private, enrolled.json["client_id"], endpoint, alg="ES256", expires_in=60
    )
    form = {
        "grant_type": "client_credentials",
        "client_assertion_type": TYPE,
        "client_assertion": assertion,
        "purpose": "handing over footage",
    }
    issued = api.post("/oauth/token", data=form)
    assert issued.status_code == 200, issued.json
    assert issued.headers["Cache-Control"] == "no-store"
    assert {k: issued.json[k] for k in ("token_type", "expires_in")} == {
        "token_type": "Bearer",
        "expires_in": 900,
    }
    me = api.get("/api/v1/me", headers={"Authorization": f"Bearer {issued.json['access_token']}"})
    assert (me.json["kind"], me.json["person_id"], me.json["roles"]) == (
        "client",
        officer["id"],
        ["data_officer"],
    )
    replayed = api.post("/oauth/token", data=form)
    assert (replayed.status_code, replayed.json["error"]) == (401, "invalid_client")
    with database.transaction() as session:
        rows = session.scalars(
            select(AuditEvent).where(AuditEvent.tag.like("token:%")).order_by(AuditEvent.id)
        )
        assert [(row.tag, row.purpose) for row in rows] == [
            ("token:issued", "handing over footage"),
            ("token:refused", None),
        ]


def test_the_token_endpoints_errors_are_rfc_6749s(api: FlaskClient) -> None:
    for form, error in (
        ({}, "invalid_request"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": ["client_credentials", "client_credentials"]}, "invalid_request"),
        ({"grant_type": "client_credentials"}, "invalid_client"),
    ):
        answer = api.post("/oauth/token", data=form)
        assert answer.content_type == "application/json"
        assert answer.json["error"] == error
        assert answer.json["error_description"]
