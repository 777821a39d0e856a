"""The officer's page sending straight into a real S3 store: cut, reloaded, given up, and what is sent twice."""

from __future__ import annotations

import hashlib
import random
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, Locator, Page, Request, Route, expect

from app.storage.incoming import PART_SIZE
from app.uploads.service import direct
from tests.e2e.line import Line, broken_line
from tests.e2e.sending import ARRIVED
from tests.e2e.store_site import StoreSite, store_site
from tests.factories.seaweed import running_seaweed

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("sending-direct")]
SEED = 7
MIB = 2**20
HEAD = b"\0\0\0\x20ftypisom"
CUT_AT, RATE = 20 * MIB, 200 * MIB  # bytes upwards, and a second
SECOND_PART = b"partNumber=2&"


@dataclass
class Place:
    """The site, and the line between browser and store."""

    site: StoreSite
    line: Line


@dataclass
class Puts:
    """What a page sent to the store, by the parts' numbers."""

    numbers: list[int] = field(default_factory=list)

    def note(self, request: Request) -> None:
        if request.method == "PUT":
            self.numbers.append(int(parse_qs(urlsplit(request.url).query)["partNumber"][0]))


@pytest.fixture(scope="module")
def place(
    browser: Browser, tmp_path_factory: pytest.TempPathFactory, new_database: Callable[[], str]
) -> Iterator[Place]:
    with (
        running_seaweed() as weed,
        broken_line(weed.endpoint, cuts=[], stall_after=2**62, rate=RATE) as line,
        store_site(weed, line.address, browser, tmp_path_factory.mktemp("direct"), new_database) as site,
    ):
        yield Place(site, line)


def make_file(path: Path, length: int) -> Path:
    path.write_bytes(HEAD + random.Random(SEED + length).randbytes(length - len(HEAD)))
    return path


def choose(page: Page, path: Path) -> Locator:
    page.locator("#choose").set_input_files(path)
    return page.locator(".cordon-sending__file", has_text=path.name)


def send(page: Page, path: Path) -> Locator:
    row = choose(page, path)
    page.get_by_role("button", name="Check and send 1 file").click()
    return row


def awaits(page: Page, reached: Callable[[], bool], seconds: int = 25) -> None:
    """Lets the page go on until that is so."""
    until = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < until, page.locator("#sending").inner_text()
        page.wait_for_timeout(50)


def holds(site: StoreSite, path: Path, parts: int) -> bool:
    """Whether the store holds so many parts of the newest upload of that file."""
    found = site.uploads(path.name)
    return bool(found and found[-1].multipart_id and len(site.parts(found[-1])) >= parts)


def test_what_is_cut_and_reloaded_goes_on_with_what_the_store_lacks(place: Place, tmp_path: Path) -> None:
    site, line = place.site, place.line
    film = make_file(tmp_path / "patrol.mp4", PART_SIZE + MIB)
    page, before, after = site.open(), Puts(), Puts()
    line.cuts.append(line.sent + CUT_AT)
    line.free.clear()
    line.held = SECOND_PART
    page.on("request", before.note)
    row = send(page, film)
    awaits(page, lambda: holds(site, film, 1) and 2 in before.numbers)
    assert site.parts(site.uploads(film.name)[-1]) == [1]
    assert line.broken == 1
    page.once("dialog", lambda dialog: dialog.accept())  # leaving the page asks
    page.reload()
    expect(row).to_contain_text("had arrived and is kept. Choose the same file again to go on.")
    page.remove_listener("request", before.note)
    page.on("request", after.note)
    line.free.set()
    choose(page, film)
    expect(row).to_contain_text(ARRIVED)
    # the first was cut on the way: the browser itself begins it again, or leaves it to the page
    assert sorted(before.numbers) in ([1, 2], [1, 1, 2])
    assert after.numbers == [2], "what the store held was sent again"
    assert any(head.startswith("options ") for head in line.heads), "the browser asked the store itself"
    assert not re.search(
        r"^(cookie|x-csrf-token|authorization|referer):", "\n".join(line.heads), re.MULTILINE
    )
    (done,) = site.uploads(film.name)
    assert (done.state, done.via) == ("received", "direct")
    assert site.waiting() == [done.incoming_key]
    assert site.work(done) == film.read_bytes()
    assert site.waiting() == []
    assert site.looks.faults == [], "the content policy holds"
    page.close()


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> int:
    """The least that S3 takes."""
    monkeypatch.setattr(direct, "PART_SIZE", 5 * MIB)
    return 5 * MIB


def test_what_is_paused_goes_on_and_what_is_given_up_is_removed(
    place: Place, tmp_path: Path, small_parts: int
) -> None:
    site = place.site
    place.line.free.clear()
    place.line.held = SECOND_PART
    film = make_file(tmp_path / "doorway.mp4", 2 * small_parts)
    page, puts = site.open(), Puts()
    page.on("request", puts.note)
    row = send(page, film)
    awaits(page, lambda: holds(site, film, 1) and 2 in puts.numbers)
    row.get_by_role("button", name=re.compile("^Pause")).click()
    expect(row).to_contain_text("Paused. What has arrived is kept.")
    row.get_by_role("button", name=re.compile("^Go on")).click()
    expect(row).to_contain_text("MB of")
    awaits(page, lambda: puts.numbers.count(2) == 2)
    assert puts.numbers.count(1) == 1
    row.get_by_role("button", name=re.compile("^Give up")).click()
    expect(row).to_have_count(0)
    place.line.free.set()
    expect(page.locator("#files").get_by_role("row", name=film.name)).to_contain_text("rejected")
    awaits(page, lambda: site.waiting() == [])
    assert site.looks.faults == []
    page.close()


def test_nothing_leaves_when_it_is_paused_while_an_address_is_asked_for(
    place: Place, tmp_path: Path, small_parts: int
) -> None:
    film = make_file(tmp_path / "corridor.mp4", 2 * small_parts)
    page, puts = place.site.open(), Puts()
    asked, waits = list[Route](), True
    page.on("request", puts.note)
    address = "**/api/v1/uploads/direct/*/parts"
    page.route(address, lambda route: asked.append(route) if waits else route.continue_())
    row = send(page, film)
    awaits(page, lambda: bool(asked))
    row.get_by_role("button", name=re.compile("^Pause")).click()
    expect(row).to_contain_text("Paused. What has arrived is kept.")
    waits = False
    with page.expect_response(address):
        for one in asked:
            one.continue_()
    row.get_by_role("button", name=re.compile("^Go on")).click()
    expect(row).to_contain_text(ARRIVED)
    assert sorted(puts.numbers) == [1, 2], "a part was sent although it was paused"
    assert place.site.looks.faults == []
    page.close()


def test_faults_of_the_store_are_tried_again_and_what_the_force_has_is_not_sent(
    place: Place, tmp_path: Path, small_parts: int
) -> None:
    site = place.site
    place.line.free.set()
    film = make_file(tmp_path / "stairs.mp4", small_parts + MIB)
    page = site.open()
    refused: list[int] = []

    def refuse_twice(route: Route) -> None:
        refused.append(0)
        if len(refused) <= 2:
            route.fulfill(status=403, headers={"Access-Control-Allow-Origin": site.settings.staff_origin})
        else:
            route.continue_()

    page.route(re.compile("[?&]partNumber=1&"), refuse_twice)
    expect(send(page, film)).to_contain_text(ARRIVED)
    assert len(refused) == 3
    (done,) = site.uploads(film.name)
    assert hashlib.sha256(site.work(done)).digest() == done.declared_sha256
    again, puts = film.rename(tmp_path / "again.mp4"), Puts()
    page.on("request", puts.note)
    blind = {"files": [{"filename": again.name, "problems": [], "duplicate_of": None}]}
    page.route("**/api/v1/uploads/check", lambda route: route.fulfill(json=blind))
    row = send(page, again)
    expect(row).to_contain_text("Your force handed this file over before")
    assert 2 not in puts.numbers, "the last part waits for what the service says of the whole"
    ended = {
        upload.incoming_key for upload in site.uploads(again.name)
    }  # none, where the digest was known in time
    awaits(page, lambda: not ended & set(site.waiting()))
    page.close()


def test_who_was_signed_out_meanwhile_is_told_and_goes_on_later(
    place: Place, tmp_path: Path, small_parts: int
) -> None:
    site = place.site
    place.line.free.set()
    film = make_file(tmp_path / "yard.mp4", small_parts + 2 * MIB)
    page, puts = site.open(), Puts()
    page.route("**/complete", lambda route: route.fulfill(status=401, json={"title": "Sign in"}), times=1)
    row = send(page, film)
    expect(row).to_contain_text("You were signed out: sign in again in another tab")
    page.on("request", puts.note)
    row.get_by_role("button", name=re.compile("^Try again")).click()
    expect(row).to_contain_text(ARRIVED)
    assert puts.numbers == []
    assert len(site.uploads(film.name)) == 1
    page.close()
