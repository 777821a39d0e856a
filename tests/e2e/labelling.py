"""What an annotator does on the workbench, and what may happen meanwhile."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

SAVED = re.compile("^Saved$")


def take_clip(page: Page) -> None:
    """From the queue onto the workbench, until the first frame is on the screen."""
    page.get_by_role("button", name=re.compile("Take the next clip|Go on with mine")).click()
    wait_for_film(page)


def wait_for_film(page: Page) -> None:
    page.wait_for_selector("#workbench[data-ready=yes]")
    page.wait_for_selector("#video[data-frame]")


def label_shots(page: Page) -> None:
    """An onset, two shots with a flash, a drawn box and a tag: six labels, by keys and pointer."""
    forward(page, 20)
    page.keyboard.press("1")  # attack onset
    page.keyboard.press("2")  # gunshot, from here to two frames later
    forward(page, 2)
    page.keyboard.press("o")
    page.keyboard.press("4")  # muzzle flash
    forward(page, 30)
    page.keyboard.press("2")
    page.keyboard.press("f")
    page.locator("#track-label").select_option("long_gun")
    page.get_by_role("button", name=re.compile("^Draw")).click()
    _drag(page, (0.40, 0.70), (0.60, 0.98))
    page.get_by_label("first person view").check()
    expect(page.locator("#count")).to_have_text("6")
    expect(page.locator("#state")).to_have_text(SAVED)


def forward(page: Page, frames: int) -> None:
    for _ in range(frames // 10):
        page.keyboard.press("Shift+ArrowRight")
    for _ in range(frames % 10):
        page.keyboard.press("ArrowRight")


def shows_exact_frames(page: Page) -> None:
    """The frame that the browser presents is the one that was asked for, forwards and back."""
    page.keyboard.press("Home")
    first = int(page.locator("#ruler").get_attribute("aria-valuemin") or 0)
    for step, key in [(n, "ArrowRight") for n in range(1, 13)] + [(n, "ArrowLeft") for n in range(11, 7, -1)]:
        page.keyboard.press(key)
        expect(page.locator("#video")).to_have_attribute("data-frame", str(first + step))
    page.keyboard.press("End")
    last = page.locator("#ruler").get_attribute("aria-valuemax") or ""
    expect(page.locator("#video")).to_have_attribute("data-frame", last)


def keeps_edits_without_connection(page: Page) -> None:
    """An edit that cannot be saved outlives a reload, and is saved once the connection is back."""
    saves = "**/api/v1/assignments/*/annotations"
    page.route(saves, lambda route: route.abort())
    page.keyboard.press("Home")
    page.keyboard.press("9")  # siren
    expect(page.locator("#state")).to_contain_text("No connection")
    page.reload()
    wait_for_film(page)
    expect(page.locator("#list button", has_text="siren")).to_be_visible()
    page.unroute(saves)
    expect(page.locator("#state")).to_have_text(SAVED)
    page.locator("#list button", has_text="siren").click()
    page.keyboard.press("Delete")
    page.keyboard.press("Control+z")
    page.keyboard.press("Control+y")
    expect(page.locator("#list button", has_text="siren")).to_have_count(0)
    expect(page.locator("#state")).to_have_text(SAVED)


def asks_when_changed_elsewhere(page: Page) -> None:
    """Two windows on one clip: the second to save is asked, and either set can stay."""
    other = page.context.new_page()
    other.goto(page.url)
    wait_for_film(other)
    other.keyboard.press("9")
    expect(other.locator("#state")).to_have_text(SAVED)
    page.keyboard.press("0")
    dialog = page.get_by_role("dialog", name="These labels were changed elsewhere")
    dialog.get_by_role("button", name=re.compile("^What I have here")).click()
    expect(page.locator("#state")).to_have_text(SAVED)
    other.keyboard.press("8")
    dialog = other.get_by_role("dialog", name="These labels were changed elsewhere")
    dialog.get_by_role("button", name=re.compile("^What is stored")).click()
    expect(other.locator("#list button", has_text="person down")).to_be_visible()
    expect(other.locator("#list button", has_text="siren")).to_have_count(0)
    other.close()
    page.locator("#list button", has_text="person down").click()
    page.keyboard.press("Delete")
    expect(page.locator("#state")).to_have_text(SAVED)


def _drag(page: Page, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Over the picture, in shares of its size."""
    area = page.locator("#boxes").bounding_box()
    assert area is not None
    points = [(area["x"] + x * area["width"], area["y"] + y * area["height"]) for x, y in (start, end)]
    page.mouse.move(*points[0])
    page.mouse.down()
    page.mouse.move(*points[1], steps=5)
    page.mouse.up()
