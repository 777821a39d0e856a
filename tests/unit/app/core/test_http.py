"""Errors become problem details: each kind its status, none a stack trace."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from flask import Flask, abort
from flask.testing import FlaskClient
from sqlalchemy.exc import IntegrityError, OperationalError

from app.core import errors, http


class Locked(errors.Conflict):
    type = "recording-locked"
    title = "Somebody works on it"


def _raising(error: Exception) -> Callable[[], str]:
    def view() -> str:
        raise error

    return view


RAISED: dict[str, tuple[Exception, int, str]] = {
    "conflict": (Locked("Wait for the job.", job=7), 409, "recording-locked"),
    "hidden": (errors.NotFound(), 404, "not-found"),
    "anonymous": (errors.Unauthenticated(), 401, "unauthenticated"),
    "stale": (errors.StaleVersion(), 412, "stale-version"),
    "down": (OperationalError("SELECT secret", {}, Exception("host database-1 refused")), 503, "unavailable"),
    "broken": (IntegrityError("INSERT secret", {}, Exception("duplicate")), 500, "internal"),
    "bug": (ZeroDivisionError("secret"), 500, "internal"),
}


@pytest.fixture
def client() -> Iterator[FlaskClient]:
    app = Flask("test")
    http.init_app(app)
    for name, (error, _, _) in RAISED.items():
        app.add_url_rule(f"/{name}", name, _raising(error))
    app.add_url_rule("/teapot", "teapot", lambda: abort(418))
    app.add_url_rule("/only-post", "only_post", lambda: "", methods=["POST"])
    with app.test_client() as client:
        yield client


@pytest.mark.parametrize("name", RAISED)
def test_each_error_has_its_status_and_type_and_tells_no_secret(client: FlaskClient, name: str) -> None:
    _, status, slug = RAISED[name]
    answer = client.get(f"/{name}")
    body = answer.get_json()
    assert (answer.status_code, answer.content_type) == (status, "application/problem+json")
    assert (body["status"], body["type"]) == (status, http.PROBLEM_BASE + slug)
    assert (body["instance"], body["request_id"]) == (f"/{name}", answer.headers["X-Request-Id"])
    assert "secret" not in answer.text
    assert "database-1" not in answer.text


def test_a_refusal_tells_its_detail_and_its_own_members(client: FlaskClient) -> None:
    body = client.get("/conflict").get_json()
    assert (body["title"], body["detail"], body["job"]) == ("Somebody works on it", "Wait for the job.", 7)


def test_headers_that_clients_need_are_kept(client: FlaskClient) -> None:
    assert client.get("/anonymous").headers["WWW-Authenticate"] == "Bearer"
    assert client.get("/down").headers["Retry-After"] == "5"
    wrong = client.get("/only-post")
    assert wrong.status_code == 405
    assert set(wrong.headers["Allow"].split(", ")) == {"OPTIONS", "POST"}
    assert client.get("/teapot").get_json()["type"] == http.PROBLEM_BASE + "i-m-a-teapot"


@pytest.mark.parametrize(
    ("given", "kept"),
    [("client-made-id.1", True), ("short", False), ("x" * 65, False), ("a b c d e f g", False)],
)
def test_a_callers_request_id_is_kept_only_if_harmless(client: FlaskClient, given: str, kept: bool) -> None:
    answer = client.get("/hidden", headers={"X-Request-Id": given})
    assert (answer.headers["X-Request-Id"] == given) is kept


@pytest.mark.parametrize(
    ("header", "error"),
    [
        ("", errors.PreconditionRequired),
        ("*", errors.StaleVersion),
        ('"abc"', errors.StaleVersion),
        ('"1", "2"', errors.StaleVersion),
    ],
)
def test_if_match_must_name_one_version(header: str, error: type[Exception]) -> None:
    with (
        Flask("test").test_request_context(headers={"If-Match": header} if header else {}),
        pytest.raises(error),
    ):
        http.if_match_version()


@pytest.mark.parametrize("version", [0, 1, 999_999_999])
def test_an_etag_leads_back_to_its_version(version: int) -> None:
    with Flask("test").test_request_context(headers={"If-Match": http.etag_of(version)}):
        assert http.if_match_version() == version
