"""What waits for an officer, and a part that stands back, as the pages show them."""

from __future__ import annotations

import threading
from datetime import date

import pytest
from playwright.sync_api import Browser, expect
from sqlalchemy import update
from werkzeug.serving import make_server

from app.core.clock import now
from app.core.db import Database
from app.custody import service
from app.exercises.models import Exercise
from app.recordings import service as recordings
from app.recordings.models import RecordingPart
from app.settings import Settings
from app.storage.vault import Vault
from tests.e2e.looks import WIDE, Looks
from tests.factories.accounts import bearer, make_organisation, make_person
from tests.factories.custody import make_officer
from tests.factories.exercises import make_exercise
from tests.factories.recordings import make_ready_recording, make_recording
from tests.factories.signing_in import build

pytestmark = pytest.mark.slow


def _force_with_much_to_decide(database: Database, vault: Vault) -> tuple[dict[str, str], str]:
    """A recording to be erased, and two parts of one that is in quarantine, all due; the path of the part that stands
    back."""
    with database.transaction() as session:
        force = make_organisation(session)
        exercise = make_exercise(session, organisation_id=force.id, title="Night exercise")
        whole = make_ready_recording(session, vault, exercise=exercise, data=b"whole")
        parts = [make_recording(session, vault, exercise=exercise, data=name) for name in (b"1", b"2")]
        for ordinal, part in enumerate(parts):
            part.state, part.part_of_id = "ready", whole.id
            frames = {"start_frame": 50 * ordinal, "end_frame": 50 * ordinal + 50}
            session.add(RecordingPart(joined_id=whole.id, part_id=part.id, ordinal=ordinal, **frames))
        single = make_recording(session, vault, exercise=exercise, data=b"single")
        session.execute(update(Exercise).values(held_on=date(2020, 2, 1), retention_category="training_1y"))
        colleague = make_officer(session, single)
        recordings.withdraw(session, colleague, single.id, reason="Consent taken back")
        service.request_erasure(session, colleague, single.id, reason="Consent taken back")
        service.mark_incident(session, colleague, parts[0].id, reason="Real shots, not blanks")
        officer = bearer(session, make_person(session, organisation=force))
    service.mark_due(database, now().date())
    return officer, f"/recordings/{parts[1].id}"


def test_what_waits_is_told_on_every_page(
    settings: Settings, database: Database, vault: Vault, browser: Browser
) -> None:
    officer, part = _force_with_much_to_decide(database, vault)
    server = make_server("127.0.0.1", 0, build(settings, "staff", database), threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        context = browser.new_context(extra_http_headers=officer, viewport=WIDE)
        page, looks = context.new_page(), Looks()
        looks.watch(page)
        at = f"http://127.0.0.1:{server.port}"
        page.goto(f"{at}/exercises")
        expect(page.get_by_role("region", name="Important")).to_contain_text("for your confirmation")
        expect(page.get_by_role("link", name="Custody 6 to decide")).to_be_visible()
        looks.at(page, "custody-told")
        page.get_by_role("link", name="Keep or erase").click()
        expect(page.get_by_role("heading", name="Retention reviews due (3)")).to_be_in_viewport()
        looks.at(page, "custody-waiting")
        page.goto(f"{at}{part}")
        expect(page.get_by_text("This part stands back with it")).to_be_visible()
        looks.at(page, "part-stands-back")
        page.goto(f"{at}{part}/custody")
        expect(page.get_by_text("This part stands back with it")).to_be_visible()
        looks.at(page, "part-stands-back-custody")
        context.close()
    finally:
        server.shutdown()
        thread.join()
    assert looks.faults == []
