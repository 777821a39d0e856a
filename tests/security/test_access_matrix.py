"""Every route × method × role of both surfaces against one written table, and objects of others that stay hidden.

The gate's answer is taken by itself: whatever passes it is answered 299 by this test, so no view runs and nothing
can be mistaken for a refusal.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask, Response
from flask.testing import FlaskClient

from app.authz.gate import access_of
from app.authz.permission_map import permits
from app.core.db import Database
from app.core.identity import ActorKind, Identity, OrganisationKind, Role
from app.factory import Surface, create_app
from app.settings import Settings
from tests.factories.accounts import bearer, make_organisation, make_person
from tests.factories.rows import SAME_ID, fill_every_table
from tests.security.matrix import ROLES, TABLE, Row, as_line, operations, read_table

PASSED = 299
Headers = dict[str, str]


@pytest.fixture(params=["staff", "partner"])
def surface(request: pytest.FixtureRequest) -> Surface:
    chosen: Surface = request.param
    return chosen


@pytest.fixture
def app(settings: Settings, database: Database, surface: Surface) -> Flask:
    return create_app(settings, surface, database=database)


@pytest.fixture
def gate(app: Flask) -> Iterator[FlaskClient]:
    """A client of the login gate alone."""
    app.before_request(lambda: Response(status=PASSED))
    with app.test_client(use_cookies=False) as client:
        yield client


@pytest.fixture
def holders(database: Database, surface: Surface) -> dict[Role, Headers]:
    """Headers of one person a role, with that role alone, in an organisation that the surface serves."""
    kind = {Role.DATA_OFFICER: OrganisationKind.FORCE}
    with database.transaction() as session:
        return {
            role: bearer(
                session,
                make_person(
                    session,
                    roles=[role],
                    organisation=make_organisation(
                        session,
                        kind="partner" if surface == "partner" else kind.get(role, OrganisationKind.OPERATOR),
                    ),
                ),
            )
            for role in ROLES
        }


def _address(route: str) -> str:
    parts = [str(SAME_ID) if part.startswith("<uuid:") else part for part in route.split("/")]
    return "/".join("x" if part.startswith("<") else part for part in parts)


def test_every_route_is_in_the_table_and_nothing_else_is(app: Flask, surface: Surface) -> None:
    table = read_table()
    found = {(surface, method, rule.rule) for method, rule in operations(app)}
    written = {key for key in table if key[0] == surface}
    missing = [
        as_line(method, route, _declared(app, method, route)) for _, method, route in sorted(found - written)
    ]
    assert not missing, f"decide who may use these, then add them to {TABLE.name}:\n" + "\n".join(missing)
    assert not written - found, f"{TABLE.name} names what is no longer there"


def _declared(app: Flask, method: str, route: str) -> Row:
    endpoint = next(rule.endpoint for m, rule in operations(app) if (m, rule.rule) == (method, route))
    access = access_of(app, endpoint, method)
    assert access is not None
    if access.permission is None:
        return Row(True, frozenset())
    actor = {role: Identity(ActorKind.PERSON, None, role, roles=frozenset({role})) for role in ROLES}
    return Row(False, frozenset(role for role in ROLES if permits(actor[role], access.permission)))


def test_each_role_gets_through_where_the_table_says_so(
    gate: FlaskClient, surface: Surface, holders: dict[Role, Headers]
) -> None:
    wrong = []
    for (where, method, route), row in read_table().items():
        if where != surface:
            continue
        for role, headers in holders.items():
            refused = 404 if "<" in route else 403
            expected = PASSED if row.open or role in row.roles else refused
            status = gate.open(_address(route), method=method, headers=headers).status_code
            if status != expected:
                wrong.append(f"{method} {route} as {role}: {status}, not {expected}")
    assert not wrong, "\n".join(wrong)


def test_strangers_are_asked_to_sign_in(gate: FlaskClient, surface: Surface) -> None:
    wrong = []
    for (where, method, route), row in read_table().items():
        if where != surface:
            continue
        answer = gate.open(_address(route), method=method, headers={"Accept": "application/json"})
        if answer.status_code != (PASSED if row.open else 401):
            wrong.append(f"{method} {route}: {answer.status_code}")
        if answer.status_code == 401 and answer.headers.get("WWW-Authenticate") != "Bearer":
            wrong.append(f"{method} {route}: no WWW-Authenticate")
    assert not wrong, "\n".join(wrong)


def test_credentials_of_the_other_surface_are_worth_nothing(
    gate: FlaskClient, surface: Surface, database: Database
) -> None:
    with database.transaction() as session:
        foreign = make_organisation(session, kind="operator" if surface == "partner" else "partner")
        headers = bearer(session, make_person(session, roles=ROLES, organisation=foreign))
    for (where, method, route), row in read_table().items():
        if where == surface and not row.open:
            assert gate.open(_address(route), method=method, headers=headers).status_code == 401, route


@pytest.mark.parametrize(
    ("surface", "role"),
    [("staff", Role.DATA_OFFICER), ("partner", Role.PARTNER_ENGINEER)],
    indirect=["surface"],
)
def test_objects_of_another_organisation_are_hidden(
    app: Flask, surface: Surface, role: Role, holders: dict[Role, Headers], database: Database
) -> None:
    """With a row in every table that belongs to somebody else: reading says 404, and no method succeeds."""
    with database.transaction() as session:
        fill_every_table(session.connection())
    wrong = []
    client = app.test_client(use_cookies=False)
    for (where, method, route), row in read_table().items():
        if where != surface or "<uuid:" not in route or row.open or role not in row.roles:
            continue
        headers = holders[role] | {"If-Match": '"1"', "Accept": "application/json"}
        status = client.open(_address(route), method=method, headers=headers, json={}).status_code
        if (method == "GET" and status != 404) or not 400 <= status < 500:
            wrong.append(f"{method} {route}: {status}")
    assert not wrong, "\n".join(wrong)


def test_the_table_names_both_surfaces_and_never_gives_partners_footage() -> None:
    table = read_table()
    assert {key[0] for key in table} == {"staff", "partner"}
    forbidden = ("recording", "clip", "exercise", "assignment", "annotation", "people", "upload")
    assert not [key for key in table if key[0] == "partner" and any(word in key[2] for word in forbidden)]
    assert not [
        key
        for key, row in table.items()
        if key[0] == "staff"
        and Role.PARTNER_ENGINEER in row.roles
        and not any(key[2].startswith(own) for own in ("/api/v1/me", "/account", "/sign-out"))
    ]
