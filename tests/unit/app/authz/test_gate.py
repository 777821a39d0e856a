"""The login gate: a route that declares nothing does not start, and each declaration is enforced."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from flask.views import MethodView
from werkzeug.wrappers import Response

from app.authz.gate import GateError, check_gate, install_gate, public, requires
from app.authz.permissions import Permission as P
from app.core import http
from app.core.errors import Unauthenticated
from app.core.identity import ANONYMOUS, ActorKind, Identity, Role
from app.core.ids import new_id


def officer() -> Identity:
    return Identity(ActorKind.PERSON, new_id(), "kim", roles=frozenset({Role.DATA_OFFICER}))


class Things(MethodView):
    @requires(P.EXERCISE_READ)
    def get(self, **_: Any) -> str:
        return "things"

    @requires(P.AUDIT_READ)
    def post(self, **_: Any) -> str:
        return "made"


def application(identity: Any, **options: Any) -> Flask:
    app = Flask("gate", static_folder=None)
    http.init_app(app)

    def load() -> Identity:
        if isinstance(identity, Exception):
            raise identity
        return identity  # type: ignore[no-any-return]

    install_gate(app, load, **options)
    app.add_url_rule("/things", view_func=Things.as_view("things"))
    app.add_url_rule("/things/<name>", view_func=Things.as_view("thing"))

    @app.get("/open")
    @public("a test")
    def opened() -> str:
        return "open"

    return app


def status(app: Flask, method: str, path: str) -> int:
    return app.test_client().open(path, method=method).status_code


def test_a_forgotten_declaration_stops_the_start() -> None:
    app = application(officer())
    check_gate(app)

    class Forgetful(MethodView):
        @requires(P.SELF)
        def get(self) -> str:
            return ""

        def put(self) -> str:
            return ""

    app.add_url_rule("/forgotten", view_func=Forgetful.as_view("forgotten"))
    with pytest.raises(GateError, match=r"PUT /forgotten \(forgotten\)"):
        check_gate(app)
    assert status(app, "PUT", "/forgotten") == 404, "and should one get through, it stays shut"


def test_a_public_route_says_why() -> None:
    with pytest.raises(GateError):
        public(" ")


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/things", 200),
        ("HEAD", "/things", 200),
        ("OPTIONS", "/things", 200),
        ("POST", "/things", 403),
        ("GET", "/things/7", 200),
        ("POST", "/things/7", 404),
        ("PUT", "/things", 405),
        ("GET", "/open", 200),
        ("GET", "/nowhere", 404),
    ],
)
def test_permissions_by_method(method: str, path: str, expected: int) -> None:
    assert status(application(officer()), method, path) == expected


@pytest.mark.parametrize(("path", "expected"), [("/things", 401), ("/things/7", 401), ("/open", 200)])
def test_anonymous(path: str, expected: int) -> None:
    assert status(application(ANONYMOUS), "GET", path) == expected


def test_pages_may_send_an_anonymous_caller_to_sign_in() -> None:
    app = application(ANONYMOUS, on_anonymous=lambda: Response(status=303, headers={"Location": "/sign-in"}))
    answer = app.test_client().get("/things")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/sign-in")
    assert status(app, "GET", "/open") == 200


def test_credentials_that_do_not_hold_are_refused_everywhere() -> None:
    app = application(Unauthenticated("expired"))
    for path in ("/things", "/open"):
        answer = app.test_client().get(path)
        assert answer.status_code == 401
        assert answer.content_type == "application/problem+json"
        assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_the_methods_declaration_wins_over_its_classs() -> None:
    @requires(P.AUDIT_READ)
    class Mixed(MethodView):
        @requires(P.SELF)
        def get(self) -> str:
            return "own"

        def post(self) -> str:
            return "class's"

    app = application(officer())
    app.add_url_rule("/mixed", view_func=Mixed.as_view("mixed"))
    check_gate(app)
    assert (status(app, "GET", "/mixed"), status(app, "POST", "/mixed")) == (200, 403)
