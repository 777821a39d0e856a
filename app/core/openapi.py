"""The OpenAPI 3.1 description: flask-smorest's, with problem details as the error of every operation."""

from __future__ import annotations

import http as status_codes
from collections.abc import Callable
from typing import Any

from flask import Flask
from flask_smorest import Api
from flask_smorest.spec.plugins import RE_URL

from app.core.schema import ProblemSchema

PROBLEM_JSON = "application/problem+json"


class CordonApi(Api):
    """flask-smorest without its error handler: `core.http` maps errors, and keeps `Allow` on a 405."""

    ERROR_SCHEMA = ProblemSchema

    def _register_error_handlers(self) -> None:
        """Nothing: one error mapping is enough."""

    def _register_responses(self) -> None:
        body: dict[str, Any] = {PROBLEM_JSON: {"schema": ProblemSchema}}
        for status in status_codes.HTTPStatus:
            response: dict[str, Any] = {"description": status.phrase}
            if status >= 400:
                response["content"] = body
            self.spec.components.response(status.name, response, lazy=True)
        default = {"description": "Problem details (RFC 9457)", "content": body}
        self.spec.components.response("DEFAULT_ERROR", default, lazy=True)


def security_schemes(api: CordonApi, app: Flask) -> None:
    """Documents the two ways in and that everything but public operations needs one of them."""
    api.spec.components.security_scheme("bearer", {"type": "http", "scheme": "bearer"})
    cookie = {"type": "apiKey", "in": "cookie", "name": app.config.get("SESSION_COOKIE_NAME", "session")}
    api.spec.components.security_scheme("session", cookie)
    api.spec.options["security"] = [{"bearer": []}, {"session": []}]


def document_access(api: CordonApi, app: Flask, access_of: Callable[[str, str], dict[str, Any]]) -> None:
    """Adds to each operation who may use it: the members that `access_of(endpoint, method)` knows."""
    documented: dict[str, Any] = api.spec.to_dict()["paths"]
    for rule in app.url_map.iter_rules():
        operations = documented.get(RE_URL.sub(r"{\1}", rule.rule), {})
        for method in rule.methods or ():
            operation = operations.get(method.lower())
            if operation is not None:
                operation.update(access_of(rule.endpoint, method))


def document_parameter(api: CordonApi, parameter: dict[str, Any], takes: Callable[[str, str], bool]) -> None:
    """Adds a parameter to the operations for which `takes(method, path)` holds."""
    documented: dict[str, Any] = api.spec.to_dict()["paths"]
    for path, operations in documented.items():
        for method, operation in operations.items():
            if takes(method.upper(), path):
                operation.setdefault("parameters", []).append(parameter)
