"""Accounts over HTTP: a person's whole way in, tokens, sessions, CSRF, and what strangers get."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from authlib.oauth2.rfc7523 import private_key_jwt_sign
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from flask import Flask, request
from flask.testing import FlaskClient
from joserfc.jwk import ECKey
from passlib.totp import TOTP
from securesystemslib.signer import CryptoSigner
from sqlalchemy import select, update

from app.accounts.identity_loader import ABSOLUTE_LIFETIME, begin_session, csrf_token, end_session
from app.accounts.models import AccessToken, Organisation, Person
from app.audit.models import AuditEvent
from app.authz.gate import public
from app.core import clock
from app.core.db import Database
from app.core.identity import OrganisationKind, Role
from app.factory import create_app
from app.settings import Settings
from tests.factories.accounts import (
    bearer,
    make_client,
    make_organisation,
    make_person,
    make_token,
)

PASSWORD = "four quiet otters swim"
TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
PROBLEM = "https://cordon.example/problems/"


def build(settings: Settings, surface: Any, database: Database) -> Flask:
    app = create_app(settings, surface, database=database)

    @app.post("/test/session")
    @public("stands for the sign-in page")
    def enter() -> dict[str, str]:
        begin_session(**request.get_json())
        return {"csrf": csrf_token()}

    @app.post("/test/session/end")
    @public("stands for the sign-out page")
    def leave() -> dict[str, str]:
        end_session()
        return {}

    return app


@pytest.fixture
def staff(settings: Settings, database: Database) -> Flask:
    return build(settings, "staff", database)


@pytest.fixture
def api(staff: Flask) -> FlaskClient:
    return staff.test_client()


@pytest.fixture
def admin(database: Database) -> dict[str, str]:
    with database.transaction() as session:
        return bearer(session, make_person(session, roles=[Role.ADMINISTRATOR]))


@pytest.fixture
def force(database: Database) -> Organisation:
    with database.transaction() as session:
        return make_organisation(session, kind=OrganisationKind.FORCE)


class Pocket:
    """A person's authenticator: each code shown once."""

    def __init__(self, seed: str) -> None:
        self._totp = TOTP(key=seed, format="base32")
        self._step = int(time.time()) // 30 - 2

    def code(self) -> str:
        self._step += 1
        return str(self._totp.generate(self._step * 30).token)


@pytest.fixture
def officer(api: FlaskClient, admin: dict[str, str], force: Organisation) -> dict[str, Any]:
    """Someone whom an administrator made and who activated over HTTP."""
    body = {
        "email": "kim@force.example",
        "name": "Kim",
        "organisation_id": str(force.id),
        "roles": ["data_officer"],
    }
    made = api.post("/api/v1/people", headers=admin, json=body)
    assert made.status_code == 201, made.json
    given = {"email": "kim@force.example", "code": made.json["activation_code"], "password": PASSWORD}
    setup = api.post("/api/v1/activation", json=given)
    assert setup.status_code == 200, setup.json
    pocket = Pocket(setup.json["totp_secret"])
    assert api.post("/api/v1/activation/confirm", json=given | {"totp": pocket.code()}).status_code == 204
    return {"id": made.json["id"], "email": "kim@force.example", "pocket": pocket, "code": given["code"]}


def sign_in(app: Flask, officer: dict[str, Any], **changed: str) -> tuple[FlaskClient, Any]:
    client = app.test_client()
    body = {"email": officer["email"], "password": PASSWORD, "totp_code": officer["pocket"].code()} | changed
    return client, client.post("/test/session", json=body)


def slug(answer: Any) -> str:
    assert answer.content_type == "application/problem+json", answer.data
    return str(answer.json["type"]).removeprefix(PROBLEM)


def test_session_cookie_and_csrf(staff: Flask, officer: dict[str, Any]) -> None:
    client, entered = sign_in(staff, officer)
    assert entered.status_code == 200, entered.json
    cookie = entered.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert client.get("/api/v1/me").json["roles"] == ["data_officer"]
    refused = client.post("/api/v1/activation", json={})
    assert (refused.status_code, slug(refused)) == (403, "csrf-refused")
    passed = client.post("/api/v1/activation", json={}, headers={"X-CSRF-Token": entered.json["csrf"]})
    assert passed.status_code == 422, "past the CSRF check, to the schema"
    wrong = client.post("/api/v1/activation", json={}, headers={"X-CSRF-Token": "x" * 43})
    assert wrong.status_code == 403


def test_a_secure_surface_has_a_host_cookie(settings: Settings, database: Database) -> None:
    from dataclasses import replace

    app = create_app(replace(settings, staff_url="https://staff.example"), "staff", database=database)
    assert app.config["SESSION_COOKIE_NAME"] == "__Host-cordon-staff"
    assert app.config["SESSION_COOKIE_SECURE"] is True


@pytest.mark.parametrize(
    "wrong", [{"password": "not it at all"}, {"totp_code": "000000"}, {"email": "a@b.example"}]
)
def test_wrong_credentials_all_answer_alike(
    staff: Flask, officer: dict[str, Any], wrong: dict[str, str]
) -> None:
    client, answer = sign_in(staff, officer, **wrong)
    assert (answer.status_code, slug(answer)) == (401, "sign-in-refused")
    assert "Set-Cookie" not in answer.headers
    assert client.get("/api/v1/me").status_code == 401


def test_failures_are_kept_though_the_request_is_refused(
    staff: Flask, officer: dict[str, Any], database: Database
) -> None:
    for _ in range(5):
        sign_in(staff, officer, totp_code="000000")
    _, answer = sign_in(staff, officer)
    assert answer.status_code == 401, "locked, though the credentials are right"
    with database.transaction() as session:
        person = session.scalars(select(Person).where(Person.email == officer["email"])).one()
        assert person.failed_attempts == 5
        tags = session.scalars(select(AuditEvent.tag).where(AuditEvent.subject_id == person.id)).all()
    assert tags.count("sign-in:failure") == 6


def test_an_address_that_guesses_is_slowed_down(staff: Flask) -> None:
    client = staff.test_client()
    body = {"password": PASSWORD, "totp_code": "000000"}
    statuses = [
        client.post("/test/session", json=body | {"email": f"nobody{n}@example.org"}).status_code
        for n in range(12)
    ]
    assert statuses == [401] * 10 + [429] * 2


def test_signing_out_makes_a_copied_cookie_worthless(staff: Flask, officer: dict[str, Any]) -> None:
    client, entered = sign_in(staff, officer)
    copied = entered.headers["Set-Cookie"].split(";")[0]
    thief = staff.test_client(use_cookies=False)
    assert thief.get("/api/v1/me", headers={"Cookie": copied}).status_code == 200
    left = client.post("/test/session/end", headers={"X-CSRF-Token": entered.json["csrf"]})
    assert left.status_code == 200
    assert client.get("/api/v1/me").status_code == 401
    assert thief.get("/api/v1/me", headers={"Cookie": copied}).status_code == 401


def test_a_session_ends_after_twelve_hours_however_busy(
    staff: Flask, officer: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    client, _ = sign_in(staff, officer)
    later = datetime.now(UTC) + ABSOLUTE_LIFETIME
    monkeypatch.setattr(clock, "now", lambda: later - timedelta(seconds=30))
    assert client.get("/api/v1/me").status_code == 200
    monkeypatch.setattr(clock, "now", lambda: later + timedelta(seconds=30))
    assert client.get("/api/v1/me").status_code == 401


def test_an_idle_session_ends_after_an_hour(
    staff: Flask, officer: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    client, _ = sign_in(staff, officer)
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + 3590)
    renewed = client.get("/api/v1/me")
    assert renewed.status_code == 200
    assert "Set-Cookie" in renewed.headers
    monkeypatch.setattr(time, "time", lambda: real() + 3590 + 3590)
    assert client.get("/api/v1/me").status_code == 200, "renewed by the last answer"
    monkeypatch.setattr(time, "time", lambda: real() + 3590 + 3590 + 3610)
    assert client.get("/api/v1/me").status_code == 401


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


def test_an_administrator_keeps_the_directory(api: FlaskClient, admin: dict[str, str]) -> None:
    made = api.post("/api/v1/organisations", headers=admin, json={"kind": "partner", "name": "Acme"})
    assert made.status_code == 201
    assert made.headers["Location"]
    twice = api.post("/api/v1/organisations", headers=admin, json={"kind": "partner", "name": "Acme"})
    assert (twice.status_code, slug(twice)) == (409, "organisation-exists")
    body = {"organisation_id": made.json["id"], "name": "x", "email": "x@acme.example", "roles": ["approver"]}
    refused = api.post("/api/v1/people", headers=admin, json=body)
    assert (refused.status_code, slug(refused)) == (422, "roles-refused")
    person = api.post("/api/v1/people", headers=admin, json=body | {"roles": ["partner_engineer"]}).json
    assert person["activated"] is False
    reset = api.post(f"/api/v1/people/{person['id']}/reset", headers=admin).json
    assert reset["activation_code"] != person["activation_code"]
    assert api.post(f"/api/v1/people/{person['id']}/disable", headers=admin).json["active"] is False
    listed = api.get("/api/v1/people?limit=1", headers=admin).json
    assert listed["items"][0]["id"] == person["id"]
    assert "activation_code" not in listed["items"][0]
    assert api.get(f"/api/v1/people?limit=1&cursor={listed['next_cursor']}", headers=admin).json["items"]


def test_strangers_see_no_directory(api: FlaskClient, database: Database, officer: dict[str, Any]) -> None:
    with database.transaction() as session:
        headers = bearer(session, session.get_one(Person, officer["id"]))
    for path in ("/api/v1/people", "/api/v1/organisations", "/api/v1/clients", "/api/v1/agreements"):
        assert api.get(path, headers=headers).status_code == 403
        assert api.get(path).status_code == 401
    hidden = api.post(f"/api/v1/people/{officer['id']}/disable", headers=headers)
    assert (hidden.status_code, slug(hidden)) == (404, "not-found")


def test_an_approvers_key(api: FlaskClient, database: Database) -> None:
    with database.transaction() as session:
        person = make_person(session, roles=[Role.APPROVER])
        headers = bearer(session, person)
    signer = CryptoSigner.generate_ed25519()
    challenge = f"cordon signing key\n{person.id}\n{signer.public_key.keyid}".encode()
    body = {"public": signer.public_key.to_dict(), "proof": signer.sign(challenge).signature}
    made = api.post("/api/v1/me/signing-keys", headers=headers, json=body)
    assert (made.status_code, made.json["keyid"]) == (201, signer.public_key.keyid)
    assert api.post("/api/v1/me/signing-keys", headers=headers, json=body).status_code == 409
    listed = api.get("/api/v1/me/signing-keys", headers=headers).json["items"]
    assert [key["public"] for key in listed] == [signer.public_key.to_dict()]


def test_the_partner_surface_serves_partners_alone(
    settings: Settings, database: Database, admin: dict[str, str], officer: dict[str, Any]
) -> None:
    partner = build(settings, "partner", database)
    assert partner.test_client().get("/api/v1/me", headers=admin).status_code == 401
    assert partner.test_client().get("/api/v1/people", headers=admin).status_code == 404
    _, answer = sign_in(partner, officer)
    assert answer.status_code == 401
    with database.transaction() as session:
        headers = bearer(session, make_person(session, roles=[Role.PARTNER_ENGINEER]))
    assert partner.test_client().get("/api/v1/me", headers=headers).json["roles"] == ["partner_engineer"]


def test_agreements_over_http(api: FlaskClient, database: Database) -> None:
    with database.transaction() as session:
        partner = make_organisation(session, kind=OrganisationKind.PARTNER)
        manager, one, two = (
            bearer(session, make_person(session, roles=[role]))
            for role in (Role.RELEASE_MANAGER, Role.APPROVER, Role.APPROVER)
        )
    body = {
        "organisation_id": str(partner.id),
        "reference": "DSA-2026/7",
        "purposes": ["hash-matching"],
        "country": "GB",
        "transfer_ground": "domestic",
        "contact_email": "dpo@acme.example",
        "starts_on": "2026-01-01",
        "ends_on": "2099-01-01",
    }
    made = api.post("/api/v1/agreements", headers=manager, json=body)
    assert (made.status_code, made.json["state"]) == (201, "proposed"), made.json
    where = made.headers["Location"]
    assert api.get(where, headers=manager).json["reference"] == "DSA-2026/7"
    assert api.post(f"{where}/approvals", headers=manager).status_code == 404, "hidden, not forbidden"
    assert api.post(f"{where}/approvals", headers=one).json["state"] == "proposed"
    again = api.post(f"{where}/approvals", headers=one)
    assert (again.status_code, slug(again)) == (409, "already-approved")
    assert api.post(f"{where}/approvals", headers=two).json["state"] == "active"
    assert len(api.get("/api/v1/agreements", headers=two).json["items"][0]["approvals"]) == 2
