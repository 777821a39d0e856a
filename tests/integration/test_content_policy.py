"""Scripts speak to us alone; those of a page that sends into the store speak to that store as well."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest

from app.core.db import Database
from app.core.identity import Role
from app.factory import create_app
from app.settings import Settings, SettingsError
from tests.factories.accounts import bearer, make_person
from tests.factories.exercises import make_exercise
from tests.factories.seaweed import CREDENTIALS

STORE = "https://s3.example.org:9000"
BUCKET = f"s3://footage/some/prefix?endpoint=http://inner:8333&region=us-east-1&public={STORE}"


def _spoken_to(settings: Settings, database: Database, path: str, who: dict[str, str] | None = None) -> str:
    answer = create_app(settings, "staff", database=database).test_client().get(path, headers=who or {})
    assert answer.status_code in (200, 302), answer.text
    policy = dict(
        directive.strip().split(" ", 1) for directive in answer.headers["Content-Security-Policy"].split(";")
    )
    assert (policy["default-src"], policy["script-src"], policy["style-src"]) == (
        "'none'",
        "'self'",
        "'self'",
    )
    assert (policy["form-action"], policy["frame-ancestors"], policy["base-uri"]) == (
        "'self'",
        "'none'",
        "'none'",
    )
    return policy["connect-src"]


@pytest.fixture
def exercise(database: Database) -> tuple[UUID, UUID, dict[str, str]]:
    """An open one and one that was closed, and an officer of their force."""
    with database.transaction() as session:
        officer = make_person(session, roles=[Role.DATA_OFFICER])
        made = [
            make_exercise(session, organisation_id=officer.organisation_id, state=state).id
            for state in ("open", "closed")
        ]
        return made[0], made[1], bearer(session, officer)


def test_only_the_page_that_sends_into_the_store_speaks_to_it(
    settings: Settings,
    database: Database,
    exercise: tuple[UUID, UUID, dict[str, str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for variable, value in CREDENTIALS.items():
        monkeypatch.setenv(variable, value)
    is_open, closed, officer = exercise
    stored = replace(settings, storage_url=BUCKET)
    direct = replace(stored, browser_uploads="direct")
    assert _spoken_to(direct, database, f"/exercises/{is_open}", officer) == f"'self' {STORE}"
    for path in (f"/exercises/{closed}", "/exercises", "/sign-in"):
        assert _spoken_to(direct, database, path, officer) == "'self'"
    for usual in (settings, stored):
        assert _spoken_to(usual, database, f"/exercises/{is_open}", officer) == "'self'"


def test_the_page_is_told_which_way_to_send(
    settings: Settings, database: Database, exercise: tuple[UUID, UUID, dict[str, str]]
) -> None:
    page = create_app(settings, "staff", database=database).test_client()
    assert 'data-way="tus"' in page.get(f"/exercises/{exercise[0]}", headers=exercise[2]).text


def test_a_store_that_browsers_cannot_reach_stops_the_start(settings: Settings, database: Database) -> None:
    inner = replace(settings, storage_url=BUCKET.replace(f"&public={STORE}", ""), browser_uploads="direct")
    with pytest.raises(SettingsError, match="CORDON_BROWSER_UPLOADS"):
        create_app(inner, "staff", database=database)
    create_app(inner, "partner", database=database)
