"""Requests that no honest client sends: each is refused in words, none takes the service down or costs it memory."""

from __future__ import annotations

import base64

import pytest
from flask.testing import FlaskClient

from app.core.db import Database
from app.core.http import MAX_BODY_BYTES
from app.core.identity import Role
from app.factory import create_app
from app.settings import Settings
from tests.factories.accounts import bearer, make_person
from tests.factories.assertions import TYPE
from tests.factories.exercises import make_exercise

LONE_SURROGATE = r'"\ud800"'


@pytest.fixture
def staff(settings: Settings, database: Database) -> FlaskClient:
    return create_app(settings, "staff", database=database).test_client()


@pytest.fixture
def partner(settings: Settings, database: Database) -> FlaskClient:
    return create_app(settings, "partner", database=database).test_client()


def headers_of(database: Database, role: Role) -> dict[str, str]:
    with database.transaction() as session:
        return bearer(session, make_person(session, roles=[role]))


@pytest.mark.parametrize(
    "body",
    [
        '{"email":' * 100_000,
        "[" * 100_000 + "]" * 100_000,
        '{"email": ' + "9" * 5_000 + "}",
        f'{{"email": "a@b.example", "code": {LONE_SURROGATE}, "password": {LONE_SURROGATE}}}',
    ],
    ids=["unclosed", "nested", "huge-number", "surrogate"],
)
def test_hostile_json_from_a_stranger_is_refused(staff: FlaskClient, body: str) -> None:
    answer = staff.post("/api/v1/activation", data=body, content_type="application/json")
    assert answer.status_code in (400, 422)
    assert answer.content_type == "application/problem+json"


FILE_HEAD = b'--x\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\n'


@pytest.mark.parametrize(
    ("path", "content_type"),
    [
        ("/api/v1/activation", "application/json"),
        ("/oauth/token", "multipart/form-data; boundary=x"),
        ("/sign-in", "multipart/form-data; boundary=x"),
    ],
)
def test_no_stranger_fills_memory_or_disk_with_one_request(
    staff: FlaskClient, path: str, content_type: str
) -> None:
    body = FILE_HEAD + b"0" * MAX_BODY_BYTES + b"\r\n--x--\r\n"
    assert staff.post(path, data=body, content_type=content_type).status_code == 413


def test_a_text_that_is_no_unicode_is_refused(staff: FlaskClient, database: Database) -> None:
    body = f'{{"kind": "force", "name": {LONE_SURROGATE}}}'
    answer = staff.post(
        "/api/v1/organisations",
        data=body,
        content_type="application/json",
        headers=headers_of(database, Role.ADMINISTRATOR),
    )
    assert answer.status_code == 422


def test_an_assertion_whose_subject_is_no_unicode_is_refused(staff: FlaskClient) -> None:
    parts = ('{"alg":"ES256"}', f'{{"sub":{LONE_SURROGATE}}}')
    encoded = [base64.urlsafe_b64encode(p.encode()).rstrip(b"=").decode() for p in parts]
    form = {
        "grant_type": "client_credentials",
        "client_assertion_type": TYPE,
        "client_assertion": ".".join([*encoded, "AAAA"]),
    }
    answer = staff.post("/oauth/token", data=form)
    assert (answer.status_code, answer.json["error"]) == (401, "invalid_client")


def test_u_0000_in_an_address_or_a_form_is_refused(
    staff: FlaskClient, partner: FlaskClient, database: Database
) -> None:
    engineer = headers_of(database, Role.PARTNER_ENGINEER)
    auditor = headers_of(database, Role.AUDITOR)
    administrator = headers_of(database, Role.ADMINISTRATOR)
    answers = [
        partner.get("/tuf/a%00b/metadata/timestamp.json", headers=engineer),
        partner.get("/tuf/a%00b/targets/" + "0" * 64 + ".x", headers=engineer),
        staff.get("/api/v1/collections/a%00b/ceremony", headers=administrator),
        staff.get("/log/events?tag=%00", headers=auditor),
        staff.post("/sign-in", data={"email": "a\x00b", "password": "x", "totp": "1"}),
    ]
    assert [a.status_code for a in answers if a.status_code not in (400, 404, 422)] == []


def test_a_number_that_no_column_holds_is_refused(staff: FlaskClient) -> None:
    for place in ("0/" + "x999/" * 7 + "999", "63/000"):
        assert staff.get(f"/log/tile/{place}").status_code in (400, 404, 422)


@pytest.mark.parametrize("when", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_a_camera_clock_outside_all_time_is_refused(
    staff: FlaskClient, database: Database, when: str
) -> None:
    """PostgreSQL keeps such a time and no client can read it back: it would break every list that holds the row."""
    with database.transaction() as session:
        person = make_person(session, roles=[Role.DATA_OFFICER])
        exercise = make_exercise(session, organisation_id=person.organisation_id)
        headers = bearer(session, person)
    said = {"exercise": str(exercise.id), "started_at": when, "filename": "a.mp4"}
    metadata = ",".join(f"{k} {base64.b64encode(v.encode()).decode()}" for k, v in said.items())
    headers |= {"Tus-Resumable": "1.0.0", "Upload-Length": "5", "Upload-Metadata": metadata}
    assert staff.post("/api/v1/uploads", headers=headers).status_code == 400
