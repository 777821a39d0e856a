"""Whose address counts: the connection's own, or the one that a trusted proxy names."""

from __future__ import annotations

from dataclasses import replace

import pytest
from flask import Flask, request

from app.authz.gate import public
from app.core.db import Database
from app.factory import create_app
from app.settings import Settings

PROXY = "192.0.2.1"
GUESS = {"email": "nobody@example.org", "password": "four quiet otters swim", "totp": "000000"}
ENROL = GUESS | {"name": "laptop", "public_key_pem": "x" * 100}


def build(settings: Settings, database: Database, proxies: int) -> Flask:
    return create_app(replace(settings, trusted_proxies=proxies), "staff", database=database)


def guess(app: Flask, forwarded: str) -> int:
    client = app.test_client(use_cookies=False)
    headers = {"X-Forwarded-For": forwarded}
    address = "/api/v1/me/clients/enrol"
    told = client.post(address, json=ENROL, headers=headers, environ_base={"REMOTE_ADDR": PROXY})
    return told.status_code


@pytest.mark.parametrize(
    ("proxies", "other"),
    [(0, 429), (1, 401)],
    ids=["nobody trusted: all come from the proxy", "one trusted: each has an address"],
)
def test_guesses_are_counted_by_the_address_that_may_be_believed(
    settings: Settings, database: Database, proxies: int, other: int
) -> None:
    app = build(settings, database, proxies)
    assert [guess(app, "198.51.100.7") for _ in range(11)] == [401] * 10 + [429]
    assert guess(app, "203.0.113.9") == other


def test_what_a_caller_claims_before_the_proxy_is_not_believed(
    settings: Settings, database: Database
) -> None:
    app = build(settings, database, 1)
    assert [guess(app, f"10.0.0.{n}, 198.51.100.7") for n in range(11)] == [401] * 10 + [429]


@pytest.mark.parametrize(
    ("proxies", "seen"),
    [
        (0, [PROXY, "http", "localhost"]),
        (1, ["198.51.100.7", "https", "staff.example"]),
        (2, ["10.0.0.1", "https", "staff.example"]),
    ],
)
def test_as_many_entries_are_believed_as_there_are_proxies(
    settings: Settings, database: Database, proxies: int, seen: list[str]
) -> None:
    app = build(settings, database, proxies)

    @app.get("/test/seen")
    @public("a test looks at what a view sees")
    def view() -> list[str]:
        return [request.remote_addr or "", request.scheme, request.host]

    headers = {
        "X-Forwarded-For": "10.0.0.1, 198.51.100.7",
        "X-Forwarded-Proto": "https, https",
        "X-Forwarded-Host": "staff.example, staff.example",
    }
    answer = app.test_client().get("/test/seen", headers=headers, environ_base={"REMOTE_ADDR": PROXY})
    assert answer.json == seen
