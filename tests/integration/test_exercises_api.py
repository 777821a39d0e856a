from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask.testing import FlaskClient

from app.core.clock import now
from app.core.db import Database
from app.core.identity import Role
from app.factory import create_app
from app.settings import Settings
from tests.factories.accounts import bearer, make_person

BODY = {
    "title": "Night exercise",
    "held_on": "2024-03-14",
    "venue": "indoor",
    "scenario": "Two officers search a disused school.",
    "weapons": ["blank_fire"],
    "lighting": "low_light",
    "retention_category": "training_6y",
}
Headers = dict[str, str]


@pytest.fixture
def client(settings: Settings, database: Database) -> Iterator[FlaskClient]:
    with create_app(settings, "staff", database=database).test_client() as client:
        yield client


@pytest.fixture
def officer(database: Database) -> Headers:
    with database.transaction() as session:
        return bearer(session, make_person(session, roles=[Role.DATA_OFFICER]))


def test_an_exercise_is_created_changed_and_closed(client: FlaskClient, officer: Headers) -> None:
    made = client.post("/api/v1/exercises", json=BODY, headers=officer)
    assert made.status_code == 201
    location = made.headers["Location"]
    assert client.get("/api/v1/exercises", headers=officer).json["items"] == [made.json]
    first = client.get(location, headers=officer)
    assert first.headers["ETag"] == '"1"'
    change = {"scenario": "Three officers."}
    assert client.patch(location, json=change, headers=officer).status_code == 428
    changed = client.patch(location, json=change, headers=officer | {"If-Match": '"1"'})
    assert (changed.status_code, changed.headers["ETag"]) == (200, '"2"')
    assert client.patch(location, json=change, headers=officer | {"If-Match": '"1"'}).status_code == 412
    closed = client.post(f"{location}/close", headers=officer)
    assert (closed.status_code, closed.json["state"]) == (200, "closed")
    again = client.post(f"{location}/close", headers=officer)
    assert (again.status_code, again.json["type"].rpartition("/")[2]) == (409, "exercise-closed")


def test_an_exercise_was_held_by_tomorrow_wherever_that_is(client: FlaskClient, officer: Headers) -> None:
    for days, status in ((1, 201), (2, 422)):
        day = (now() + timedelta(days=days)).date().isoformat()
        answer = client.post("/api/v1/exercises", json=BODY | {"held_on": day}, headers=officer)
        assert answer.status_code == status
    assert answer.json["errors"]["json"]["held_on"] == ["must be a day from 1950-01-01 to tomorrow"]


@pytest.mark.parametrize("name", ["lawful_basis", "consent_record", "title", "scenario"])
def test_blanks_say_nothing_of_an_exercise(client: FlaskClient, officer: Headers, name: str) -> None:
    assert client.post("/api/v1/exercises", json=BODY | {name: "  \n"}, headers=officer).status_code == 422
    made = client.post("/api/v1/exercises", json=BODY | {name: " said "}, headers=officer)
    assert made.json[name] == "said"
    blank = client.patch(made.headers["Location"], json={name: "   "}, headers=officer | {"If-Match": '"1"'})
    assert (blank.status_code, blank.json["errors"]) == (422, {"json": {name: ["must not be blank"]}})


@pytest.mark.parametrize(
    "wrong",
    [
        {"venue": "moon"},
        {"weapons": []},
        {"weapons": "blank_fire"},
        {"held_on": "yesterday"},
        {"held_on": "1949-12-31"},
        {"held_on": "2999-01-01"},
        {"held_on": "9999-12-31"},
        {"title": ""},
        {"title": "a\x00b"},
        {"surprise": 1},
        {"scenario": "a" * 4001},
    ],
)
def test_what_is_not_an_exercise_is_refused(
    client: FlaskClient, officer: Headers, wrong: dict[str, object]
) -> None:
    answer = client.post("/api/v1/exercises", json=BODY | wrong, headers=officer)
    assert answer.status_code == 422
    assert answer.content_type == "application/problem+json"
    assert client.get("/api/v1/exercises", headers=officer).json["items"] == []


def test_another_force_finds_nothing(client: FlaskClient, officer: Headers, database: Database) -> None:
    location = client.post("/api/v1/exercises", json=BODY, headers=officer).headers["Location"]
    with database.transaction() as session:
        stranger = bearer(session, make_person(session, roles=[Role.DATA_OFFICER]))
        annotator = bearer(session, make_person(session, roles=[Role.ANNOTATOR]))
    assert client.get(location, headers=stranger).status_code == 404
    assert client.post(f"{location}/close", headers=stranger).status_code == 404
    assert client.get(location, headers=annotator).status_code == 404
    assert client.get("/api/v1/exercises", headers=annotator).status_code == 403
    assert client.get("/api/v1/exercises").status_code == 401
