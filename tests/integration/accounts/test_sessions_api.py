"""Sessions over HTTP: cookie, CSRF, lifetimes, throttling, and the two surfaces."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from app.accounts.identity_loader import ABSOLUTE_LIFETIME
from app.accounts.models import Person
from app.audit.models import AuditEvent
from app.core import clock
from app.core.db import Database
from app.factory import create_app
from app.settings import Settings
from tests.factories.signing_in import PASSWORD, sign_in, slug


def test_session_cookie_and_csrf(staff: Flask, officer: dict[str, Any]) -> None:
    client, entered = sign_in(staff, officer)
    assert entered.status_code == 200, entered.json
    cookie = entered.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert client.get("/api/v1/me").json["roles"] == ["data_officer"]
    refused = client.post("/api/v1/activation", json={})
    assert (refused.status_code, slug(refused)) == (403, "csrf-refused")
    passed = client.post("/api/v1/activation", json={}, headers={"X-CSRF-Token": entered.json["csrf"]})
    assert passed.status_code == 422, "past the CSRF check, to the schema"
    wrong = client.post("/api/v1/activation", json={}, headers={"X-CSRF-Token": "x" * 43})
    assert wrong.status_code == 403


def test_a_secure_surface_has_a_host_cookie(settings: Settings, database: Database) -> None:
    from dataclasses import replace

    app = create_app(replace(settings, staff_url="https://staff.example"), "staff", database=database)
    assert app.config["SESSION_COOKIE_NAME"] == "__Host-cordon-staff"
    assert app.config["SESSION_COOKIE_SECURE"] is True


@pytest.mark.parametrize(
    "wrong", [{"password": "not it at all"}, {"totp_code": "000000"}, {"email": "a@b.example"}]
)
def test_wrong_credentials_all_answer_alike(
    staff: Flask, officer: dict[str, Any], wrong: dict[str, str]
) -> None:
    client, answer = sign_in(staff, officer, **wrong)
    assert (answer.status_code, slug(answer)) == (401, "sign-in-refused")
    assert "Set-Cookie" not in answer.headers
    assert client.get("/api/v1/me").status_code == 401


def test_failures_are_kept_though_the_request_is_refused(
    staff: Flask, officer: dict[str, Any], database: Database
) -> None:
    for _ in range(5):
        sign_in(staff, officer, totp_code="000000")
    _, answer = sign_in(staff, officer)
    assert answer.status_code == 401, "locked, though the credentials are right"
    with database.transaction() as session:
        person = session.scalars(select(Person).where(Person.email == officer["email"])).one()
        assert person.failed_attempts == 5
        tags = session.scalars(select(AuditEvent.tag).where(AuditEvent.subject_id == person.id)).all()
    assert tags.count("sign-in:failure") == 6


def test_an_address_that_guesses_is_slowed_down(staff: Flask) -> None:
    client = staff.test_client()
    body = {"password": PASSWORD, "totp_code": "000000"}
    statuses = [
        client.post("/test/session", json=body | {"email": f"nobody{n}@example.org"}).status_code
        for n in range(12)
    ]
    assert statuses == [401] * 10 + [429] * 2


def test_signing_out_makes_a_copied_cookie_worthless(staff: Flask, officer: dict[str, Any]) -> None:
    client, entered = sign_in(staff, officer)
    copied = entered.headers["Set-Cookie"].split(";")[0]
    thief = staff.test_client(use_cookies=False)
    assert thief.get("/api/v1/me", headers={"Cookie": copied}).status_code == 200
    left = client.post("/test/session/end", headers={"X-CSRF-Token": entered.json["csrf"]})
    assert left.status_code == 200
    assert client.get("/api/v1/me").status_code == 401
    assert thief.get("/api/v1/me", headers={"Cookie": copied}).status_code == 401


def test_a_session_ends_after_twelve_hours_however_busy(
    staff: Flask, officer: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    client, _ = sign_in(staff, officer)
    later = datetime.now(UTC) + ABSOLUTE_LIFETIME
    monkeypatch.setattr(clock, "now", lambda: later - timedelta(seconds=30))
    assert client.get("/api/v1/me").status_code == 200
    monkeypatch.setattr(clock, "now", lambda: later + timedelta(seconds=30))
    assert client.get("/api/v1/me").status_code == 401


def test_an_idle_session_ends_after_an_hour(
    staff: Flask, officer: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    client, _ = sign_in(staff, officer)
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + 3590)
    renewed = client.get("/api/v1/me")
    assert renewed.status_code == 200
    assert "Set-Cookie" in renewed.headers
    monkeypatch.setattr(time, "time", lambda: real() + 3590 + 3590)
    assert client.get("/api/v1/me").status_code == 200, "renewed by the last answer"
    monkeypatch.setattr(time, "time", lambda: real() + 3590 + 3590 + 3610)
    assert client.get("/api/v1/me").status_code == 401


def test_a_form_on_another_site_signs_nobody_in(staff: Flask, officer: dict[str, Any]) -> None:
    client = staff.test_client()
    body = {"email": officer["email"], "password": PASSWORD, "totp_code": officer["pocket"].code()}
    answer = client.post("/test/session", json=body, headers={"Sec-Fetch-Site": "cross-site"})
    assert (answer.status_code, slug(answer)) == (403, "csrf-refused")
    assert (
        client.post("/test/session", json=body, headers={"Sec-Fetch-Site": "same-origin"}).status_code == 200
    )
