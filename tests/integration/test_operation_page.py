"""The administrator's page says when uploads are not screened, or wait for a screen that is away."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from app.core.db import Database
from app.core.identity import Role
from app.factory import create_app
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
