"""The administrator's page says when uploads are not screened or wait for a screen, and what waits for the machine."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from sqlalchemy import text

from app.core.db import Database
from app.core.identity import Role
from app.factory import create_app
from app.jobs import defer
from app.settings import Settings
from tests.factories.accounts import bearer, make_person
from tests.factories.clamd import FakeClamd


def test_what_the_virus_screen_is_and_whether_it_works(
    settings: Settings, database: Database, tmp_path: Path
) -> None:
    with database.transaction() as session:
        administrator = bearer(session, make_person(session, roles=[Role.ADMINISTRATOR]))
    daemon = FakeClamd(tmp_path / "clamd.sock")

    def page(chosen: Settings) -> str:
        app = create_app(chosen, "staff", database=database)
        answer = app.test_client().get("/service", headers=administrator)
        assert answer.status_code == 200
        return answer.text

    assert "not looked at for viruses" in page(settings)
    screened = replace(settings, clamd=daemon.address)
    assert "uploads wait for it" in page(screened)
    daemon.start()
    try:
        shown = page(screened)
    finally:
        daemon.stop()
    assert "ClamAV 0.0.0/1/of a test" in shown
    assert "irus screen is set" not in shown
    assert "uploads wait for it" not in shown


def test_what_waits_for_the_machine_since_when_and_why(settings: Settings, database: Database) -> None:
    with database.transaction() as session:
        administrator = bearer(session, make_person(session, roles=[Role.ADMINISTRATOR]))
        for _ in range(3):
            defer(session, "recordings.encode", queue="media")

    def page() -> str:
        answer = create_app(settings, "staff", database=database).test_client()
        return answer.get("/service", headers=administrator).text

    assert "Waiting for the machine" not in page()
    with database.transaction() as session:
        said = (
            '{"since": "2026-03-14T10:00:00+00:00", "why": "store-unavailable", "told": "<no route to host>", '
            '"attempt": 0}'
        )
        session.execute(
            text("UPDATE procrastinate_jobs SET args = jsonb_build_object('_tally', CAST(:said AS jsonb))"),
            {"said": said},
        )
    shown = page()
    assert "the store of footage does not answer" in shown
    assert "14 March 2026, 10:00 UTC" in shown
    assert "&lt;no route to host&gt;" in shown
    assert '<td class="govuk-table__cell">3</td>' in shown
