"""What the API's own description allows, thrown at it: no 500, and no answer that the description does not name."""

from __future__ import annotations

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance

from app.audit.keys import load_checkpoint_key
from app.audit.sequencer import integrate
from app.core.db import Database
from app.core.identity import OrganisationKind, Role
from app.factory import Surface, create_app
from app.settings import Settings
from tests.factories.accounts import bearer, make_organisation, make_person
from tests.security.matrix import ROLES, read_table

EXAMPLES = 3  # for each operation: about a minute for both surfaces
CHECKS = [content_type_conformance, response_schema_conformance]
Headers = dict[str, str]

schemathesis.serializer.alias("application/offset+octet-stream", "application/octet-stream")  # tus


@pytest.fixture(params=["staff", "partner"])
def surface(request: pytest.FixtureRequest) -> Surface:
    chosen: Surface = request.param
    return chosen


@pytest.fixture
def app(settings: Settings, database: Database, surface: Surface) -> Flask:
    """A surface whose log has its first checkpoint, as a worker would have signed it."""
    with database.transaction() as session:
        integrate(session, load_checkpoint_key(settings.checkpoint_key_uri))
    return create_app(settings, surface, database=database)


@pytest.fixture
def callers(database: Database, surface: Surface) -> dict[Role, Headers]:
    """Headers of one person a role."""
    force_roles = {Role.DATA_OFFICER}
    with database.transaction() as session:
        organisations = {kind: make_organisation(session, kind=kind) for kind in OrganisationKind}
        found = {}
        for role in ROLES:
            kind = OrganisationKind.FORCE if role in force_roles else OrganisationKind.OPERATOR
            kind = OrganisationKind.PARTNER if surface == "partner" else kind
            found[role] = bearer(
                session, make_person(session, roles=[role], organisation=organisations[kind])
            )
        return found


def test_no_request_that_the_description_allows_breaks_it(
    app: Flask, surface: Surface, callers: dict[Role, Headers]
) -> None:
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", app)
    allowed = {
        (
            method,
            route.replace("<uuid:", "{").replace("<string:", "{").replace("<path:", "{").replace(">", "}"),
        ): row
        for (where, method, route), row in read_table().items()
        if where == surface
    }
    failures: list[str] = []
    tried = 0
    for result in schema.get_all_operations():
        operation = result.ok()
        row = allowed[operation.method.upper(), operation.path]
        who = [callers[role] for role in ROLES if role in row.roles] or [{}]
        tried += 1
        failures += _probe(operation, who)
    assert tried > 10
    assert not failures, "\n\n".join(failures)


def _probe(operation: schemathesis.APIOperation, who: list[Headers]) -> list[str]:
    """What went wrong with this operation: the smallest failing request, or nothing."""
    listed = {status for status in operation.responses.status_codes if status.isdigit()}

    @hypothesis_settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(), headers=st.sampled_from(who))
    def probe(case: schemathesis.Case, headers: Headers) -> None:
        response = case.call(headers=headers)
        assert response.status_code < 500, response.text
        if response.status_code < 400 and str(response.status_code) not in listed:
            raise AssertionError(f"{response.status_code} is not described")
        case.validate_response(response, checks=CHECKS, headers=headers)

    try:
        probe()
    except BaseExceptionGroup as group:
        return [f"{operation.label}: {str(error)[:1500]}" for error in group.exceptions]
    except Exception as error:
        return [f"{operation.label}: {type(error).__name__}: {str(error)[:1500]}"]
    return []
