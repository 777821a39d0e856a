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
from tests.factories.signing_in import activated, build


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
    return activated(api, admin, force.id, "kim@force.example")
