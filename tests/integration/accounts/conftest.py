"""The staff surface, an administrator, and an officer who activated over HTTP."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.accounts.models import Organisation
from app.core.db import Database
from app.core.identity import OrganisationKind, Role
from app.settings import Settings
from tests.factories.accounts import (
    bearer,
    make_organisation,
    make_person,
)
from tests.factories.signing_in import PASSWORD, Pocket, build


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
