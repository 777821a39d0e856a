"""The API's description of itself: valid OpenAPI 3.1, complete, and true about who needs credentials."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from openapi_spec_validator import OpenAPIV31SpecValidator

from app.core.db import Database
from app.factory import Surface, create_app
from app.settings import Settings
from tests.security.matrix import operations, read_table

PARAMETER = {"<uuid:": "{", "<string:": "{", "<path:": "{", "<int:": "{", ">": "}"}
DESCRIPTIONS = ("/api/v1/openapi.json", "/api/v1/docs")
METHODS = {"get", "put", "post", "delete", "options", "head", "patch"}


@pytest.fixture(params=["staff", "partner"])
def surface(request: pytest.FixtureRequest) -> Surface:
    chosen: Surface = request.param
    return chosen


@pytest.fixture
def app(settings: Settings, database: Database, surface: Surface) -> Flask:
    return create_app(settings, surface, database=database)


@pytest.fixture
def spec(app: Flask) -> dict[str, Any]:
    answer = app.test_client().get("/api/v1/openapi.json")
    assert (answer.status_code, answer.content_type) == (200, "application/json")
    document: dict[str, Any] = answer.get_json()
    return document


def _path(rule: str) -> str:
    for written, meant in PARAMETER.items():
        rule = rule.replace(written, meant)
    return rule


def test_it_is_valid_openapi_3_1(spec: dict[str, Any]) -> None:
    assert spec["openapi"].startswith("3.1")
    assert [str(error) for error in OpenAPIV31SpecValidator(spec).iter_errors()] == []


def test_every_operation_of_the_api_is_described(spec: dict[str, Any], app: Flask) -> None:
    wanted = {
        (_path(rule.rule), method.lower())
        for method, rule in operations(app)
        if rule.rule.startswith(("/api/", "/oauth/")) and rule.rule not in DESCRIPTIONS
    }
    described = {(path, method) for path, item in spec["paths"].items() for method in METHODS & item.keys()}
    assert wanted - described == set()


def test_errors_are_problem_details_everywhere(spec: dict[str, Any]) -> None:
    default = spec["components"]["responses"]["DEFAULT_ERROR"]
    assert set(default["content"]) == {"application/problem+json"}
    for path, item in spec["paths"].items():
        for method in METHODS & item.keys():
            assert "default" in item[method]["responses"], (path, method)


def test_open_operations_ask_for_no_credentials_and_all_others_do(
    spec: dict[str, Any], surface: Surface
) -> None:
    assert spec["security"] == [{"bearer": []}, {"session": []}]
    assert set(spec["components"]["securitySchemes"]) == {"bearer", "session"}
    table = {(key[1].lower(), _path(key[2])): row for key, row in read_table().items() if key[0] == surface}
    for path, item in spec["paths"].items():
        for method in METHODS & item.keys():
            row = table.get((method, path))
            if row is not None:
                assert (item[method].get("security") == []) is row.open, (path, method)
