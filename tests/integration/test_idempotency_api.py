"""Idempotency-Key: a write that is sent twice is done once, and a crash never makes it twice."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select, update
from sqlalchemy.exc import OperationalError

from app.accounts.models import Organisation, Person
from app.core import idempotency
from app.core.clock import now
from app.core.db import Database
from app.core.idempotency import Claim, IdempotencyKey
from app.core.identity import Role
from app.core.repeats import HEADER, REPLAYED, takes_key
from app.exercises.models import Exercise
from app.factory import create_app
from app.settings import Settings
from app.uploads.models import Upload
from tests.factories.accounts import bearer, make_organisation, make_person
from tests.integration.test_exercises_api import BODY

EXERCISES = "/api/v1/exercises"
Headers = dict[str, str]


@pytest.fixture
def app(settings: Settings, database: Database) -> Flask:
    return create_app(settings, "staff", database=database)


@pytest.fixture
def client(app: Flask) -> Iterator[FlaskClient]:
    with app.test_client(use_cookies=False) as client:
        yield client


@pytest.fixture
def officer(database: Database) -> Headers:
    with database.transaction() as session:
        return bearer(session, make_person(session, roles=[Role.DATA_OFFICER])) | {HEADER: "first-try"}


def count(database: Database, model: type[Any]) -> int:
    with database.transaction() as session:
        return session.scalars(select(func.count()).select_from(model)).one()


def kind_of(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json["type"].rpartition("/")[2]


def test_a_repeat_gets_the_first_answer_and_does_nothing(
    client: FlaskClient, officer: Headers, database: Database
) -> None:
    first = client.post(EXERCISES, json=BODY, headers=officer)
    again = client.post(EXERCISES, json=BODY, headers=officer)
    assert (first.status_code, again.status_code) == (201, 201)
    assert (again.data, again.headers["Location"]) == (first.data, first.headers["Location"])
    assert again.content_type == first.content_type
    assert (first.headers.get(REPLAYED), again.headers.get(REPLAYED)) == (None, "true")
    assert count(database, Exercise) == 1


def test_without_a_key_or_with_another_it_is_done_again(
    client: FlaskClient, officer: Headers, database: Database
) -> None:
    for key in ("first-try", "second-try"):
        assert client.post(EXERCISES, json=BODY, headers=officer | {HEADER: key}).status_code == 201
    del officer[HEADER]
    assert client.post(EXERCISES, json=BODY, headers=officer).status_code == 201
    assert (count(database, Exercise), count(database, IdempotencyKey)) == (3, 2)


def test_a_key_is_its_actors_own(client: FlaskClient, officer: Headers, database: Database) -> None:
    with database.transaction() as session:
        other = bearer(session, make_person(session, roles=[Role.DATA_OFFICER])) | {HEADER: "first-try"}
    answers = [client.post(EXERCISES, json=BODY, headers=headers) for headers in (officer, other)]
    assert [answer.headers.get(REPLAYED) for answer in answers] == [None, None]
    assert count(database, Exercise) == 2


def test_a_key_stands_for_one_request(client: FlaskClient, officer: Headers, database: Database) -> None:
    made = client.post(EXERCISES, json=BODY, headers=officer)
    changed = client.post(EXERCISES, json=BODY | {"title": "Another"}, headers=officer)
    elsewhere = client.post(f"{made.headers['Location']}/close", headers=officer)
    assert kind_of(changed) == kind_of(elsewhere) == (422, "idempotency-key-reused")
    assert count(database, Exercise) == 1


@pytest.mark.parametrize("key", ["", "a b", "x" * 129, "schlüssel"])
def test_a_key_that_is_none_is_refused(
    client: FlaskClient, officer: Headers, database: Database, key: str
) -> None:
    answer = client.post(EXERCISES, json=BODY, headers=officer | {HEADER: key})
    assert kind_of(answer) == (422, "invalid-request")
    assert count(database, Exercise) == 0


def test_what_failed_keeps_nothing(client: FlaskClient, officer: Headers, database: Database) -> None:
    location = client.post(EXERCISES, json=BODY, headers=officer).headers["Location"]
    closing = officer | {HEADER: "close"}
    assert client.post(f"{location}/close", headers=officer | {HEADER: "before"}).status_code == 200
    assert client.post(f"{location}/close", headers=closing).status_code == 409  # rolled back by the service
    assert client.post(EXERCISES, json={}, headers=officer | {HEADER: "bad"}).status_code == 422
    assert client.post(EXERCISES, json=BODY, headers=officer | {HEADER: "bad"}).status_code == 201
    hidden = client.post(f"{EXERCISES}/{'0' * 8}-0000-7000-8000-{'0' * 12}/close", headers=closing)
    assert hidden.status_code == 404
    with database.transaction() as session:
        assert set(session.scalars(select(IdempotencyKey.key))) == {"first-try", "before", "bad"}


def test_two_at_once_have_one_effect(app: Flask, officer: Headers, database: Database) -> None:
    ready = Barrier(6)

    def send(_: int) -> tuple[int, str]:
        with app.test_client(use_cookies=False) as client:
            ready.wait(30)
            answer = client.post(EXERCISES, json=BODY, headers=officer)
            return answer.status_code, (answer.json or {}).get("type", "").rpartition("/")[2]

    with ThreadPoolExecutor(6) as pool:
        answers = set(pool.map(send, range(6)))
    assert (201, "") in answers
    assert answers <= {(201, ""), (409, "idempotency-in-doubt")}
    assert count(database, Exercise) == 1


def test_one_waits_for_the_other_and_does_it_if_that_fails(database: Database, officer: Headers) -> None:
    """The key is taken in the effect's own transaction: who comes second learns how that ended."""
    with database.transaction() as session:
        actor = session.scalars(select(Person.id)).one()
    first, second = (Claim(actor, "k", b"\x01" * 32, "s" * 32) for _ in range(2))

    def follow() -> str:
        with database.transaction() as session:
            second.take(session)
        second.committed()
        return second.state

    with ThreadPoolExecutor(1) as pool:
        with database.transaction() as session:
            first.take(session)
            waiting = pool.submit(follow)
            with pytest.raises(TimeoutError):
                waiting.result(0.3)
            session.rollback()
        assert waiting.result(30) == "committed"
    assert first.state == "tried"


def test_a_lost_answer_leaves_a_doubt_and_no_second_effect(
    client: FlaskClient, officer: Headers, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after a crash between the commit and the storing of the answer."""

    def lost(*_: Any) -> None:
        raise OperationalError("UPDATE", {}, Exception("server closed the connection"))

    with monkeypatch.context() as broken:
        broken.setattr(Claim, "answer", lost)
        assert client.post(EXERCISES, json=BODY, headers=officer).status_code == 201
    for _ in range(2):
        again = client.post(EXERCISES, json=BODY, headers=officer)
        assert kind_of(again) == (409, "idempotency-in-doubt")
    assert count(database, Exercise) == 1


def test_an_answer_rests_sealed_and_another_secret_does_not_open_it(app: Flask, database: Database) -> None:
    """An activation code is shown once; its hash is all that the directory keeps."""
    with database.transaction() as session:
        force = make_organisation(session)
        admin = bearer(session, make_person(session, roles=[Role.ADMINISTRATOR])) | {HEADER: "robin"}
        body = {"email": "robin@force.example", "name": "Robin", "organisation_id": str(force.id)}
    body |= {"roles": ["data_officer"]}
    client = app.test_client(use_cookies=False)
    made = client.post("/api/v1/people", json=body, headers=admin)
    assert (made.status_code, bool(made.json["activation_code"])) == (201, True)
    with database.transaction() as session:
        row = session.scalars(select(IdempotencyKey)).one()
        assert row.body is not None
        assert made.json["activation_code"].encode() not in row.body
        stranger = Claim(row.actor_id, row.key, row.fingerprint, "another secret of thirty-two bytes")
        with pytest.raises(idempotency.InDoubt):
            stranger.look(session)
    again = client.post("/api/v1/people", json=body, headers=admin)
    assert again.json["activation_code"] == made.json["activation_code"]


def test_keys_of_yesterday_are_swept(client: FlaskClient, officer: Headers, database: Database) -> None:
    for key in ("old", "young"):
        client.post(EXERCISES, json=BODY, headers=officer | {HEADER: key})
    with database.transaction() as session:
        old = now() - idempotency.KEPT_FOR - timedelta(seconds=1)
        session.execute(update(IdempotencyKey).where(IdempotencyKey.key == "old").values(created_at=old))
        assert idempotency.sweep(session) == 1
    with database.transaction() as session:
        assert session.scalars(select(IdempotencyKey.key)).all() == ["young"]


def test_what_may_not_be_used_is_refused_before_the_key_is_looked_at(
    client: FlaskClient, officer: Headers, database: Database
) -> None:
    answer = client.post("/api/v1/organisations", json={"kind": "force", "name": "X"}, headers=officer)
    assert answer.status_code == 403
    assert client.post(EXERCISES, json=BODY, headers={HEADER: "k"}).status_code == 401
    assert (count(database, IdempotencyKey), count(database, Organisation)) == (0, 1)


UPLOADS = "/api/v1/uploads"


def creation(client: FlaskClient, officer: Headers, **more: str) -> Headers:
    """What opens an upload of 1,000 bytes by tus, for a new exercise."""
    made = client.post(EXERCISES, json=BODY, headers=officer | {HEADER: "exercise"})
    said = base64.b64encode(made.json["id"].encode()).decode()
    tus = {"Tus-Resumable": "1.0.0", "Upload-Length": "1000", "Upload-Metadata": f"exercise {said}"}
    return officer | tus | more


@pytest.mark.parametrize("kind", [{}, {"Upload-Concat": "partial"}])
def test_an_upload_whose_creation_is_repeated_is_opened_once(
    client: FlaskClient, officer: Headers, database: Database, kind: Headers
) -> None:
    """A file, and a part of one; the repeat says all that a tus client needs to go on."""
    headers = creation(client, officer, **kind)
    first, again = (client.post(UPLOADS, headers=headers) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 201)
    assert (first.headers.get(REPLAYED), again.headers.get(REPLAYED)) == (None, "true")
    names = {name for name in first.headers.keys() if name.startswith(("Upload-", "Tus-"))}  # noqa: SIM118
    assert {"Tus-Resumable", "Upload-Length", "Upload-Offset", "Upload-Expires"} <= names
    for name in (*names - {"Upload-Metadata"}, "Location", "Cache-Control"):
        assert again.headers[name] == first.headers[name], name
    assert count(database, Upload) == 1
    assert client.head(again.headers["Location"], headers=headers).headers["Upload-Offset"] == "0"


def test_what_was_said_of_a_file_is_not_kept_with_the_key(
    client: FlaskClient, officer: Headers, database: Database
) -> None:
    """It would outlive the erasure of what the file becomes."""
    headers = creation(client, officer)
    first, again = (client.post(UPLOADS, headers=headers) for _ in range(2))
    assert first.headers["Upload-Metadata"] == headers["Upload-Metadata"]
    assert "Upload-Metadata" not in again.headers
    told = client.head(again.headers["Location"], headers=headers)
    assert told.headers["Upload-Metadata"] == headers["Upload-Metadata"]
    with database.transaction() as session:
        kept = session.scalars(select(IdempotencyKey)).all()
    assert headers["Upload-Metadata"] not in repr([one.headers for one in kept])


@pytest.mark.parametrize(
    "other", [{"Upload-Length": "1001"}, {"Upload-Concat": "partial"}, {"Upload-Metadata": "filename eA=="}]
)
def test_a_key_stands_for_one_upload(
    client: FlaskClient, officer: Headers, database: Database, other: Headers
) -> None:
    headers = creation(client, officer)
    assert client.post(UPLOADS, headers=headers).status_code == 201
    assert kind_of(client.post(UPLOADS, headers=headers | other)) == (422, "idempotency-key-reused")
    assert count(database, Upload) == 1


def test_a_creation_that_brings_bytes_has_no_use_for_a_key(
    client: FlaskClient, officer: Headers, database: Database
) -> None:
    """Its bytes would have to be read before it is known whether they are wanted."""
    headers = creation(client, officer) | {"Content-Type": "application/offset+octet-stream"}
    answers = [client.post(UPLOADS, headers=headers, data=b"x" * 10) for _ in range(2)]
    assert [(one.status_code, one.headers.get(REPLAYED)) for one in answers] == [(201, None)] * 2
    assert [one.headers["Upload-Offset"] for one in answers] == ["10", "10"]
    assert count(database, Upload) == 2


@pytest.mark.parametrize("surface", ["staff", "partner"])
def test_every_guarded_post_documents_the_key_and_no_other_does(
    settings: Settings, database: Database, surface: Any
) -> None:
    app = create_app(settings, surface, database=database)
    paths = app.test_client().get("/api/v1/openapi.json").json["paths"]
    for path, item in paths.items():
        for method, operation in item.items():
            if method == "parameters":
                continue
            named = {parameter["name"] for parameter in operation.get("parameters", ())}
            guarded = method == "post" and operation.get("security") != []
            opens = path in ("/api/v1/uploads", "/api/v1/uploads/direct")
            by_tus = path.startswith("/api/v1/uploads") and not opens
            assert (HEADER in named) is (guarded and not by_tus), (method, path)
            assert (HEADER in named) is takes_key(method.upper(), path)
