"""The API's page in a browser: on a telephone's width, by axe, and without a fault in the console."""

from __future__ import annotations

from playwright.sync_api import Browser

from app.settings import Settings
from tests.e2e.looks import Looks
from tests.factories.server import gunicorn_process


def test_the_apis_page_fits_and_is_accessible(browser: Browser, settings: Settings) -> None:
    looks = Looks()
    with gunicorn_process(settings, surface="staff") as (address, _):
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        looks.watch(page)
        page.goto(f"{address}/sign-in")
        page.get_by_role("link", name="API").click()
        page.wait_for_url("**/api/v1/docs")
        looks.at(page, "api-docs-staff", whole=False)
        page.get_by_role("link", name="GET /api/v1/me", exact=True).click()
        assert page.url.endswith("#get-api-v1-me")
        page.close()
    assert looks.faults == []
