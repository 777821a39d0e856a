"""What an officer does to send files by page, and what may happen meanwhile."""

from __future__ import annotations

import hashlib
import re
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

from playwright.sync_api import Error, Page, expect

from tests.e2e.conftest import World
from tests.e2e.line import Line

ARRIVED = "Arrived. What becomes of it is shown below."
AS_CAMERAS_NAME_IT = "{}_20260314_101500.mp4"


def sends_a_folder(world: World, page: Page) -> None:
    """A card's folder with a film and what is none, and by name a file that only looks like one."""
    card = world.service.folder / "card"
    (card / "cam-7").mkdir(parents=True)
    film = card / "cam-7" / AS_CAMERAS_NAME_IT.format(world.film.stem)
    shutil.copyfile(world.film, film)
    world.film = film
    (card / "index.txt").write_text("not footage")
    not_a_film = world.service.folder / "briefing-notes.mp4"
    not_a_film.write_text("Minutes of the briefing.\n" * 200)
    empty = world.service.folder / "empty.mp4"
    empty.write_bytes(b"")
    expect(page.locator("#drop")).to_be_visible()
    page.locator("#choose-folder").set_input_files(card)
    expect(page.get_by_text("1 file is no footage and left out.")).to_be_visible()
    page.locator("#choose").set_input_files([not_a_film, empty])
    page.get_by_label("Seen from").first.select_option(label="Worn by an officer or instructor")
    first = page.locator(".cordon-sending__file", has_text=film.name)
    first.get_by_text("Details of this file").click()
    expect(first.get_by_label("Camera", exact=True)).to_have_value("cam-7")
    expect(first.get_by_label("Camera's clock at the start")).to_have_value("2026-03-14T10:15")
    zone = page.evaluate("Intl.DateTimeFormat().resolvedOptions().timeZone")
    expect(first.get_by_text(f"Taken as a time in {zone} (UTC+00:00 at that time)")).to_be_visible()
    expect(page.locator("#of-all")).to_contain_text(f"a time of this computer's zone, {zone} (UTC")
    world.looks.at(page, "sending")
    page.get_by_role("button", name="Check and send 3 files").click()
    expect(page.get_by_text("The file is empty: export it again from the camera")).to_be_visible()
    page.get_by_role("button", name=re.compile("Remove.*empty.mp4")).click()
    expect(page.get_by_text("1 file needs a look")).to_have_count(0)
    expect(page.get_by_text(ARRIVED)).to_have_count(2)


def sends_through_cuts(tab: Page, path: Path, line: Line) -> dict[str, Any]:
    """Sends a file over a line that breaks, pauses it, loses the tab and takes the file up again in a new one; the
    upload's status."""
    tab.locator("#choose").set_input_files(path)
    tab.get_by_role("button", name="Check and send 1 file").click()
    row = tab.locator(".cordon-sending__file", has_text=path.name)
    expect(row).to_contain_text("MB of")
    while line.sent < line.stall_after:
        tab.wait_for_timeout(50)
    row.get_by_role("button", name=re.compile("^Pause")).click()
    expect(row).to_contain_text("Paused. What has arrived is kept.")
    line.free.set()
    tab = _after_a_crash(tab)
    row = tab.locator(".cordon-sending__file", has_text=path.name)
    expect(row).to_contain_text("had arrived and is kept. Choose the same file again to go on.")
    tab.locator("#choose").set_input_files(path)
    expect(row).to_contain_text(ARRIVED)
    return status_of(tab, path.name)


def _after_a_crash(tab: Page) -> Page:
    """Another tab at the same address, once the process that showed this one has died."""
    address, another = tab.url, tab.context.new_page()
    with tab.expect_event("crash"), suppress(Error):
        tab.goto("chrome://crash")
    tab.close()
    another.goto(address)
    return another


def status_of(page: Page, filename: str) -> dict[str, Any]:
    """What the API says of the newest upload of that name."""
    found: list[dict[str, Any]] = page.evaluate(
        "fetch('/api/v1/uploads').then(r => r.json()).then(r => r.items)"
    )
    return next(one for one in found if one["filename"] == filename)


def sha256_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
