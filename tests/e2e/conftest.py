"""One service, one browser and one cast for the whole journey."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.browser import launch_browser
from tests.e2e.looks import Looks
from tests.e2e.people import Cast, Person
from tests.e2e.service import Service, make_film, running_service

FILM_SECONDS = 12


@dataclass
class World:
    """What the stages of the journey hand to one another."""

    service: Service
    cast: Cast
    looks: Looks
    film: Path
    people: dict[str, Person] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    reached: set[str] = field(default_factory=set)

    def after(self, stage: str) -> None:
        """Skips a stage whose ground is missing, so that one failure is reported once."""
        if stage not in self.reached:
            pytest.skip(f"the stage '{stage}' did not succeed")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    expect.set_options(timeout=15_000)
    with launch_browser() as found:
        yield found


@pytest.fixture(scope="session")
def world(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("e2e")
    film = make_film(folder / "body-worn-camera-SYNTHETIC.mp4", FILM_SECONDS)
    looks = Looks()
    with running_service(folder) as service:
        yield World(service, Cast(browser, service, looks), looks, film)
