"""The directory, keys and agreements over HTTP, and what strangers get."""

from __future__ import annotations

from typing import Any

from flask.testing import FlaskClient
from securesystemslib.signer import CryptoSigner

from app.accounts.models import Person
from app.core.db import Database
from app.core.identity import OrganisationKind, Role
from app.settings import Settings
from tests.factories.accounts import (
    bearer,
    make_organisation,
    make_person,
)
from tests.factories.signing_in import build, sign_in, slug


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
