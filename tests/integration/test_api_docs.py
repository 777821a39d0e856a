"""The page of the API says what the OpenAPI document says, of every operation, and needs nobody else's scripts."""

from __future__ import annotations

import re
from collections import Counter
from html.parser import HTMLParser
from typing import Any

import pytest
from flask import Flask

from app.core.db import Database
from app.factory import Surface, create_app
from app.settings import Settings
from app.web import api_description
from tests.security.matrix import read_table

PAGE = "/api/v1/docs"
Tag = tuple[str, dict[str, str | None]]


class Reader(HTMLParser):
    """Every tag of a page with its attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[Tag] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def every(self, attribute: str) -> list[str]:
        return [found for _, attributes in self.tags if (found := attributes.get(attribute)) is not None]


@pytest.fixture(params=["staff", "partner"])
def surface(request: pytest.FixtureRequest) -> Surface:
    chosen: Surface = request.param
    return chosen


@pytest.fixture
def app(settings: Settings, database: Database, surface: Surface) -> Flask:
    return create_app(settings, surface, database=database)


@pytest.fixture
def spec(app: Flask) -> dict[str, Any]:
    document: dict[str, Any] = app.test_client().get("/api/v1/openapi.json").get_json()
    return document


@pytest.fixture
def page(app: Flask) -> str:
    answer = app.test_client().get(PAGE)
    assert (answer.status_code, answer.mimetype) == (200, "text/html")
    return answer.text


def test_every_operation_and_schema_is_there_once(page: str, spec: dict[str, Any]) -> None:
    ids = Counter(Reader(page).every("id"))
    assert [name for name, times in ids.items() if times > 1] == []
    described = {
        (operation.method.lower(), operation.path)
        for group in api_description.groups(spec)
        for operation in group.operations
        if ids[operation.anchor]
    }
    assert described == {
        (method, path) for path, item in spec["paths"].items() for method in item if method != "parameters"
    }
    assert {f"schema-{name}" for name in spec["components"]["schemas"]} <= ids.keys()


def test_every_link_inside_the_page_arrives(page: str) -> None:
    read = Reader(page)
    assert {link[1:] for link in read.every("href") if link.startswith("#")} <= set(read.every("id"))


def test_nothing_is_loaded_from_elsewhere(page: str) -> None:
    read = Reader(page)
    loaded = [attributes.get("src") for tag, attributes in read.tags if tag in ("script", "img", "iframe")]
    loaded += [attributes.get("href") for tag, attributes in read.tags if tag == "link"]
    assert loaded
    assert all(address and re.match(r"/static/", address) for address in loaded)


def test_a_body_without_a_name_shows_its_members(page: str) -> None:
    assert {"client_assertion", "grant_type"} <= set(re.findall(r"<dt[^>]*><code[^>]*>(\w+)</code>", page))


def test_the_footer_leads_there(app: Flask) -> None:
    assert f'href="{PAGE}"' in app.test_client().get("/sign-in").text


def test_it_names_the_roles_that_the_access_table_names(spec: dict[str, Any], surface: Surface) -> None:
    table = {
        (method, re.sub(r"<\w+:(\w+)>", r"{\1}", route)): row
        for (where, method, route), row in read_table().items()
        if where == surface
    }
    for group in api_description.groups(spec):
        for operation in group.operations:
            row = table[operation.method, operation.path]
            assert set(operation.roles) == {role.value for role in row.roles}, operation.anchor
            assert (operation.permission == "") is row.open


BOUNDED = {"type": "integer", "minimum": 1, "maximum": 200, "default": 50}


def test_names_of_schemas_become_links_where_they_stand() -> None:
    kind = api_description.kind_of(
        {"anyOf": [{"type": "array", "items": {"$ref": "#/components/schemas/Label"}}, {"type": "null"}]}
    )
    assert kind.pieces == [("array of ", False), ("Label", True), (" or null", False)]


@pytest.mark.parametrize(
    ("schema", "words", "bounds"),
    [
        ({"type": "string", "minLength": 1, "maxLength": 9}, "string", "at least 1 characters, at most 9 characters"),
        ({"type": ["string", "null"], "format": "uuid"}, "string or null (uuid)", ""),
        (BOUNDED, "integer", "from 1, to 200, 50 if not given"),
        ({"type": "string", "enum": ["dark", None]}, "one of dark, null", ""),
        ({"type": "array", "items": {"$ref": "#/components/schemas/Label"}}, "array of Label", ""),
        ({"anyOf": [{"$ref": "#/components/schemas/Splits"}, {"type": "null"}]}, "Splits or null", ""),
        ({}, "anything", ""),
    ],
)  # fmt: skip
def test_schemas_in_words(schema: dict[str, Any], words: str, bounds: str) -> None:
    kind = api_description.kind_of(schema)
    assert (kind.words, kind.bounds) == (words, bounds)
