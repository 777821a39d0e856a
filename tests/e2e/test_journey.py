"""The journey in a real browser, by page alone: from the administrator's first start to accepted labels.

Each stage is a test and needs the one before it; test_journey_release goes on from here.
Pictures of every page stay in build/screenshots.
"""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import World
from tests.e2e.labelling import (
    SAVED,
    asks_when_changed_elsewhere,
    keeps_edits_without_connection,
    label_shots,
    shows_exact_frames,
    take_clip,
    wait_for_film,
)
from tests.e2e.people import READY_MS, press
from tests.e2e.sending import sends_a_folder

pytestmark = pytest.mark.slow

FORCE, PARTNER = "Example Constabulary", "Example Platform Ltd"


def test_first_start(world: World) -> None:
    world.people["admin"] = admin = world.cast.enter(
        "admin@operator.example", world.service.activation_code, look="yes"
    )
    page = admin.go("/organisations")
    for kind, name in (("Police force", FORCE), ("Partner company", PARTNER)):
        page.get_by_label("Kind").select_option(label=kind)
        page.get_by_label("Name").fill(name)
        press(page, "Add organisation")
        expect(page.get_by_text(f"{name} was added.")).to_be_visible()
    world.looks.at(page, "organisations")
    world.reached.add("organisations")


def test_people_come_in(world: World) -> None:
    world.after("organisations")
    admin = world.people["admin"]
    for key, name, organisation, role in (
        ("officer", "Dana Officer", FORCE, "Data officer"),
        ("annotator", "Alex Annotator", "Operator", "Annotator"),
        ("reviewer", "Robin Reviewer", "Operator", "Reviewer"),
        ("manager", "Morgan Manager", "Operator", "Release manager"),
        ("ash", "Ash Approver", "Operator", "Approver"),
        ("bo", "Bo Approver", "Operator", "Approver"),
        ("auditor", "Audrey Auditor", "Operator", "Auditor"),
        ("partner", "Pat Partner", PARTNER, "Partner engineer"),
    ):
        world.people[key] = world.cast.invite(
            admin, name, f"{key}@{role.split()[0].lower()}.example", organisation, role
        )
    for name in ("people", "clients", "service", "account"):
        world.looks.at(admin.go(f"/{name}"), name)
    world.reached.add("people")


def test_officer_hands_over_footage(world: World) -> None:
    world.after("people")
    officer = world.people["officer"]
    world.looks.at(officer.go("/exercises"), "exercises-empty")
    page = officer.go("/exercises/new")
    press(page, "Create exercise")
    expect(page.get_by_text("There is a problem")).to_be_visible()
    page.get_by_label("Title").fill("Active shooter drill, north range")
    page.get_by_label("Day it was held").fill("2024-03-14")
    page.get_by_label("Venue").select_option(label="Firing range")
    page.get_by_label("What was practised").fill("Two officers clear a building; a role player fires blanks.")
    page.get_by_label("Blank-firing weapon").check()
    page.get_by_label("Lawful basis").fill("Consent of all participants, DPA 2018 s.35(2)(a)")
    page.get_by_label("Where the consent is recorded").fill("TRN-2026-031/consent.pdf")
    world.looks.at(page, "exercise-new")
    press(page, "Create exercise")
    expect(page.get_by_role("heading", name="Add footage")).to_be_visible()
    sends_a_folder(world, page)
    files = page.locator("#files")
    expect(files.get_by_text("ready", exact=True)).to_be_visible(timeout=READY_MS)
    expect(files.get_by_text("rejected", exact=True)).to_be_visible(timeout=READY_MS)
    world.looks.at(page, "exercise")
    world.facts["exercise"] = page.url.removeprefix(officer.address)
    world.reached.add("footage")


def test_officer_sees_what_became_of_it(world: World) -> None:
    world.after("footage")
    officer = world.people["officer"]
    world.looks.at(officer.go("/exercises"), "exercises")
    page = officer.go("/recordings")
    page.get_by_label("File, reference, camera or notes").fill("synthetic cam-7")
    press(page, "Search")
    expect(page.get_by_role("link", name="briefing-notes.mp4")).to_have_count(0)
    world.looks.at(page, "recordings")
    page.get_by_role("link", name=world.film.name).click()
    expect(page.get_by_role("heading", name="2 clips")).to_be_visible()
    expect(page.get_by_text("Original stored encrypted; processing began")).to_be_visible()
    storyboard = page.get_by_role("region", name="Storyboard").get_by_role("img")
    storyboard.scroll_into_view_if_needed()
    expect(storyboard).to_have_js_property("complete", True)
    assert storyboard.evaluate("image => image.naturalWidth") > 0
    page.get_by_role("link", name="Change the details").click()
    page.get_by_label("Clock offset, in seconds").fill("-40")
    world.looks.at(page, "details")
    press(page, "Save")
    expect(page.get_by_text("-40 seconds")).to_be_visible()
    expect(page.get_by_text("14 March 2026, 10:15:00 UTC")).to_be_visible()  # the camera's own
    expect(page.get_by_text("14 March 2026, 10:15:40 UTC")).to_be_visible()  # corrected
    expect(page.get_by_text("Details changed: clock offset seconds")).to_be_visible()
    world.looks.at(page, "recording")
    page.get_by_role("button", name="Withdraw…").click()
    world.looks.at(page, "recording-withdraw")
    page = officer.go("/recordings?state=rejected")
    page.get_by_role("link", name="briefing-notes.mp4").click()
    expect(page.get_by_text("Send the video itself")).to_be_visible()
    world.looks.at(page, "recording-rejected")


def test_officer_says_the_same_of_many(world: World) -> None:
    world.after("footage")
    page = world.people["officer"].go("/recordings")
    for box in page.get_by_role("checkbox").all():
        box.check()
    press(page, "Change details of those chosen…")
    page.get_by_label("Your force's reference").fill("TRN/2026/031")
    world.looks.at(page, "details-many")
    press(page, "Save for 2 recordings")
    expect(page.get_by_text("TRN/2026/031")).to_have_count(2)


def test_officer_copies_closes_and_opens_again(world: World) -> None:
    world.after("footage")
    officer = world.people["officer"]
    page = officer.go(world.facts["exercise"])
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_label("Day it was held")).to_have_value("")
    page.get_by_label("Title").fill("Another day of it")
    page.get_by_label("Day it was held").fill("2024-03-15")
    page.get_by_label("Lawful basis").fill("")
    press(page, "Create exercise")
    expect(page.locator("#missing")).to_contain_text("before its lawful basis is given")
    page.get_by_role("button", name="Close").click()
    press(page, "Close exercise")
    expect(page.get_by_role("heading", name="Add footage")).to_have_count(0)
    press(page, "Open again")
    expect(page.get_by_role("heading", name="Add footage")).to_be_visible()
    page = officer.go("/exercises")
    page.get_by_label("Title or scenario").fill("another")
    press(page, "Search")
    expect(page.get_by_role("row")).to_have_count(2)


def test_officer_reviews_and_takes_a_receipt(world: World) -> None:
    world.after("footage")
    officer = world.people["officer"]
    page = officer.go("/custody")
    expect(page.get_by_role("heading", name="Sensitivity reviews to do (1)")).to_be_visible()
    world.looks.at(page, "custody")
    page.get_by_role("link", name=world.film.name).click()
    press(page, "Confirm the review")
    expect(page.get_by_text("There is a problem")).to_be_visible()
    page.get_by_label("It is training and no real incident").check()
    page.get_by_label("The tactics in it may be shown").check()
    page.get_by_label("Bystanders and officers").select_option("none_needed")
    world.looks.at(page, "recording-custody")
    press(page, "Confirm the review")
    expect(page.get_by_text("Reviewed: it may be released as it is now.")).to_be_visible()
    page.get_by_role("link", name=world.film.name).click()
    page.get_by_role("link", name="Receipt").click()
    expect(page.get_by_role("heading", name="Receipt")).to_be_visible()
    expect(page.get_by_role("img", name=re.compile("QR code"))).to_be_visible()
    world.looks.at(page, "receipt")


def test_officer_edits_with_a_version_check(world: World) -> None:
    world.after("footage")
    officer = world.people["officer"]
    page = officer.go(world.facts["exercise"] + "/edit")
    other = page.context.new_page()
    other.goto(page.url)
    for tab, title in ((page, "Armed intruder drill, north range"), (other, "Something else")):
        tab.get_by_label("Title").fill(title)
        press(tab, "Save")
    expect(page.get_by_text("The exercise was saved.")).to_be_visible()
    expect(other.get_by_text("Somebody changed this since you read it")).to_be_visible()
    other.close()
    world.looks.at(officer.go(world.facts["exercise"] + "/close"), "exercise-close")


def test_annotator_labels(world: World) -> None:
    world.after("footage")
    annotator = world.people["annotator"]
    page = annotator.go("/queue")
    expect(page.get_by_text("2 clips wait for an annotator")).to_be_visible()
    world.looks.at(page, "queue")
    take_clip(page)
    label_shots(page)
    page.keyboard.press("?")
    world.looks.at(page, "workbench-keys")
    page.keyboard.press("Escape")
    world.looks.at(page, "workbench")
    world.reached.add("labelled")


def test_workbench_shows_the_frame_asked_for(world: World) -> None:
    world.after("labelled")
    shows_exact_frames(world.people["annotator"].page)


def test_workbench_loses_no_edit(world: World) -> None:
    world.after("labelled")
    page = world.people["annotator"].page
    keeps_edits_without_connection(page)
    asks_when_changed_elsewhere(page)
    expect(page.locator("#count")).to_have_text("6")


def test_annotator_submits(world: World) -> None:
    world.after("labelled")
    _submit(world.people["annotator"].page)
    world.reached.add("submitted")


def _submit(page: Page) -> None:
    press(page, "Submit")
    expect(page.get_by_text("Submitted. Somebody else reviews it now.")).to_be_visible()


def test_reviewer_returns_then_accepts(world: World) -> None:
    world.after("submitted")
    annotator, reviewer = world.people["annotator"], world.people["reviewer"]
    page = reviewer.go("/review")
    world.looks.at(page, "review")
    page.get_by_role("link", name=re.compile("Frames")).first.click()
    wait_for_film(page)
    expect(page.locator("#count")).to_have_text("6")
    page.get_by_label("Or say what is wrong with them").fill("The shot begins two frames earlier.")
    world.looks.at(page, "workbench-review")
    press(page, "Send back")
    expect(page.get_by_text("Sent back to its annotator with your reason.")).to_be_visible()
    page = annotator.go("/queue")
    world.looks.at(page, "queue-returned")
    take_clip(page)
    expect(page.get_by_text("The shot begins two frames earlier.")).to_be_visible()
    page.locator("#list button", has_text="gunshot").first.click()
    for _ in range(2):
        page.keyboard.press("a")
    expect(page.locator("#state")).to_have_text(SAVED)
    _submit(page)
    _label_next(annotator.go("/queue"))
    page = reviewer.go("/review")
    for _ in range(2):
        page.get_by_role("link", name=re.compile("Frames")).first.click()
        press(page, "Accept these labels")
        expect(page.get_by_text("Accepted: these are the clip's labels now.")).to_be_visible()
    world.looks.at(reviewer.go("/tasks"), "tasks")
    world.looks.at(annotator.go("/queue"), "queue-done")
    world.reached.add("accepted")


def _label_next(page: Page) -> None:
    take_clip(page)
    page.get_by_label("no weapon").check()
    expect(page.locator("#state")).to_have_text(SAVED)
    _submit(page)
