"""The journey goes on from test_journey: from accepted labels to a published release and an auditor's proof."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import World
from tests.e2e.looks import SCREENSHOTS
from tests.e2e.people import READY_MS, press

pytestmark = pytest.mark.slow

PASSPHRASE = {"CORDON_KEY_PASSPHRASE": "a passphrase of this test alone"}


def test_manager_composes_and_builds(world: World) -> None:
    world.after("accepted")
    manager = world.people["manager"]
    page = manager.go("/datasets")
    page.get_by_label("Name", exact=True).fill("Firearm attack")
    page.get_by_label("Collection name").fill("firearm-attack")
    page.get_by_label("What it is for").fill("To recognise a live-streamed attack within seconds.")
    world.looks.at(page, "datasets")
    press(page, "Create dataset")
    page.get_by_label("Train, %").fill("100")  # there is one exercise: all of it trains
    press(page, "New version")
    expect(page.get_by_role("alert")).to_be_visible()
    for split in ("Validation", "Test"):
        page.get_by_label(f"{split}, %").fill("0")
    press(page, "New version")
    world.looks.at(page, "version-draft")
    press(page, "Freeze this version")
    expect(page.get_by_text("The version is frozen")).to_be_visible()
    world.looks.at(page, "version")
    page.get_by_role("link", name="Firearm attack").click()
    world.looks.at(page, "dataset")
    page.get_by_role("link", name="Version 1").click()
    _ceremony(world)
    page.get_by_label("Notes for partners").fill("First release: one range exercise, two clips.")
    press(page, "Build a release")
    page.wait_for_url("**/releases/*")
    expect(page.get_by_role("button", name="Ask for sign-off")).to_be_visible(timeout=READY_MS)
    world.looks.at(page, "release-built")
    press(page, "Ask for sign-off")
    world.facts["release"] = page.url.removeprefix(manager.address)
    world.reached.add("built")


def _ceremony(world: World) -> None:
    """Approvers' keys and the root of trust are made where they stay: on people's own machines, by commands."""
    command, folder = world.service.command, world.service.folder
    for name in ("ash", "bo"):
        world.facts[name] = credentials = world.cast.command_line(world.people[name])
        key = credentials.parent / "signing.pem"
        command("keys", "new", "--out", key, **PASSPHRASE)
        command("keys", "register", "--key", key, "--credentials", credentials, **PASSPHRASE)
    roots = [folder / f"root-{number}.pem" for number in (1, 2, 3)]
    for root in roots:
        command("keys", "new", "--out", root, **PASSPHRASE)
    held = ("--root-key", roots[0], "--root-key", roots[1], "--root-public", f"{roots[2]}.pub")
    credentials = world.cast.command_line(world.people["admin"])
    command("ceremony", "firearm-attack", *held, "--credentials", credentials, **PASSPHRASE)


def test_approvers_sign(world: World) -> None:
    world.after("built")
    release_id = world.facts["release"].rsplit("/", 1)[1]
    page = world.people["ash"].go("/sign-off")
    expect(page.get_by_role("heading", name="Firearm attack, release 1")).to_be_visible()
    world.looks.at(page, "sign-off")
    world.looks.at(world.people["ash"].go("/account"), "account-approver")
    for name in ("ash", "bo"):
        credentials = world.facts[name]
        key = ("--key", credentials.parent / "signing.pem", "--credentials", credentials)
        world.service.command("sign", release_id, "--yes", *key, **PASSPHRASE)
    expect(world.people["bo"].go(world.facts["release"]).get_by_text("Ash Approver")).to_be_visible()
    world.reached.add("signed")


def test_partner_is_admitted(world: World) -> None:
    world.after("signed")
    manager, today = world.people["manager"], datetime.now(UTC).date()
    page = manager.go("/agreements/new")
    page.get_by_label("Reference").fill("DSA-2026-001")
    page.locator("input[name=purposes]").first.check()
    page.get_by_label("Country").fill("GB")
    page.get_by_label("Contact's email address").fill("trust@partner.example")
    page.get_by_label("First day").fill(today.isoformat())
    page.get_by_label("Last day").fill((today + timedelta(days=365)).isoformat())
    world.looks.at(page, "agreement-new")
    press(page, "Propose")
    _approve(world)
    page = manager.go("/grants/new")
    page.get_by_label("Last day").fill((today + timedelta(days=180)).isoformat())
    world.looks.at(page, "grant-new")
    press(page, "Ask")
    _approve(world, "grants")
    world.looks.at(manager.go("/partners"), "partners")
    world.reached.add("granted")


def _approve(world: World, look: str = "") -> None:
    for name in ("ash", "bo"):
        page = world.people[name].go("/partners")
        if look and name == "ash":
            world.looks.at(page, f"partners-{look}")
        page.get_by_role("button", name=re.compile("^Approve")).first.click()


def test_release_reaches_the_partner(world: World) -> None:
    world.after("granted")
    page = world.people["manager"].go(world.facts["release"])
    page.get_by_role("button", name=re.compile("^Publish")).click()
    expect(page.get_by_text("Published: partners with a grant can fetch it.")).to_be_visible()
    world.looks.at(page, "release")
    world.looks.at(world.people["manager"].go("/releases"), "releases")
    page = world.people["partner"].go("/releases")
    expect(page.get_by_text("Firearm attack 1")).to_be_visible()
    world.looks.at(page, "partner-releases")
    world.looks.at(world.people["partner"].go("/fetching"), "partner-fetching")
    world.reached.add("published")


def test_auditor_takes_a_proof(world: World) -> None:
    world.after("published")
    page = world.people["auditor"].go("/log/events")
    world.looks.at(page, "log")
    page.get_by_label("What happened").select_option(label="release:published")
    press(page, "Show")
    page.get_by_role("link", name="release:published").click()
    for _ in range(20):
        if page.get_by_role("button", name="Download the proof").count():
            break
        page.wait_for_timeout(500)
        page.reload()
    world.looks.at(page, "log-entry")
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Download the proof").click()
    bundle = world.service.folder / "publication.tlog-proof"
    waiting.value.save_as(bundle)
    key = world.service.folder / "home" / "keys" / "checkpoint.key.pub"
    world.service.command("audit", "verify", bundle, "--key", key)


def test_every_page_was_in_order(world: World) -> None:
    world.after("published")
    assert world.looks.faults == []
    for name in world.looks.seen:
        assert all((SCREENSHOTS / f"{name}-{width}.png").stat().st_size > 5000 for width in (1280, 390)), name
