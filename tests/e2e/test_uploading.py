"""Uppy as the page uses it, against the running service: cut, paused, its tab lost, and what is sent twice. And the
same officer at the command line."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path

import pytest
from playwright.sync_api import Request, expect

from tests.e2e.conftest import World
from tests.e2e.line import broken_line
from tests.e2e.sending import sends_through_cuts, sha256_of, status_of
from tests.e2e.service import make_film

pytestmark = pytest.mark.slow
SIZE, SEED = 12 * 2**20, 4


@pytest.fixture(scope="module")
def large(world: World) -> Path:
    """Bytes that any change shows in. They are no film: taking one in would cost more than sending it."""
    path = world.service.folder / "long-patrol.mp4"
    path.write_bytes(random.Random(SEED).randbytes(SIZE))
    return path


def test_what_is_cut_and_taken_up_again_arrives_whole(world: World, large: Path) -> None:
    world.after("footage")
    officer, chance = world.people["officer"].page.context, random.Random(SEED)
    cuts = [chance.randrange(2**20, SIZE // 3), chance.randrange(SIZE // 3, SIZE // 2)]
    offsets: list[int] = []
    officer.on("request", lambda sent: _note_offset(sent, offsets))
    with broken_line(world.service.staff, cuts=cuts, stall_after=SIZE * 2 // 3, rate=12_000_000) as line:
        tab = officer.new_page()
        tab.goto(line.address + world.facts["exercise"])
        status = sends_through_cuts(tab, large, line)
    assert line.broken == 2
    assert offsets[-1] > 0, "what had arrived was sent again"
    assert status["length"] == SIZE
    assert status["declared_sha256"] == sha256_of(large)
    page = world.people["officer"].go(world.facts["exercise"])
    row = page.locator("#files").get_by_role("row", name=large.name)
    expect(row).to_have_count(1)
    expect(row).to_contain_text("rejected")
    expect(row).to_contain_text("Send the video itself")
    assert status_of(page, large.name)["sha256"] == sha256_of(large)


def _note_offset(sent: Request, offsets: list[int]) -> None:
    if sent.method == "PATCH":
        offsets.append(int(sent.headers["upload-offset"]))


def test_the_same_film_is_told_of_before_it_is_sent(world: World) -> None:
    world.after("footage")
    page = world.people["officer"].go(world.facts["exercise"])
    before = page.evaluate("fetch('/api/v1/uploads').then(r => r.json()).then(r => r.items.length)")
    page.locator("#choose").set_input_files(world.film)
    row = page.locator(".cordon-sending__file", has_text=world.film.name)
    expect(row).to_contain_text("Your force handed this file over before")
    expect(row.get_by_role("link", name="See it")).to_have_attribute("href", re.compile("^/recordings/"))
    expect(page.locator("#prepare")).to_be_hidden()
    assert page.evaluate("fetch('/api/v1/uploads').then(r => r.json()).then(r => r.items.length)") == before
    assert world.looks.faults == []


def test_an_officer_does_it_by_command_alone(world: World) -> None:
    """A folder handed over and seen ready, and a receipt printed and proven: no page is opened."""
    world.after("footage")
    officer, service = world.people["officer"], world.service
    credentials = world.cast.command_line(officer)
    folder = service.folder / "second-card"
    folder.mkdir()
    film = make_film(folder / "GX010002.MP4", 4)
    exercise = world.facts["exercise"].rpartition("/")[2]
    given = ("--credentials", credentials)
    sent = service.command(
        "upload",
        folder,
        "--exercise",
        exercise,
        "--wait",
        "--json",
        *given,
        XDG_STATE_HOME=str(service.folder),
    )
    (taken,) = (one for one in json.loads(sent)["files"] if one["state"] == "ready")
    paper = service.folder / "receipt.json"
    printed = service.command("receipt", taken["recording_id"], "--out", paper, *given)
    assert film.name in printed
    assert taken["sha256"] in printed
    key = service.folder / "checkpoint.key.pub"
    key.write_text(json.loads(paper.read_text())["key"])
    proven = service.command("audit", "verify", paper, "--key", key, "--file", film)
    assert "GX010002.MP4 is that very file" in proven
