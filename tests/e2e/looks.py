"""Looking at pages: pictures at two widths, axe's findings, and nothing wrong in the console."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import ConsoleMessage, Page

SCREENSHOTS = Path(__file__).resolve().parents[2] / "build" / "screenshots"
WIDE, NARROW = {"width": 1280, "height": 800}, {"width": 390, "height": 844}
FIRST_SECTIONS = {"exclude": [["section:nth-of-type(n+4)"]]}
SERIOUS = ("serious", "critical")
AXE_OPTIONS = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "resultTypes": ["violations"],
}


@dataclass
class Looks:
    """What was seen on every page of the journey."""

    faults: list[str] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    axe: Axe = field(default_factory=Axe)

    def watch(self, page: Page) -> None:
        """Notes errors of scripts and the console, breaches of the content policy among them."""
        page.on("pageerror", lambda error: self.faults.append(f"{page.url}: {error}"))
        page.on("console", lambda message: self._console(page, message))

    def at(self, page: Page, name: str, *, whole: bool = True) -> None:
        """Keeps `name-1280.png` and `name-390.png`; notes what axe finds serious and what does not fit the width.

        Unless `whole`, the picture is one screen and axe looks at the first sections alone: a page of hundreds of
        screens, all after one pattern, would take it half a minute.
        """
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        page.wait_for_load_state("networkidle")
        page.screenshot(path=SCREENSHOTS / f"{name}-1280.png", full_page=whole)
        self._axe(page, name, None if whole else FIRST_SECTIONS)
        page.set_viewport_size(NARROW)
        wide = page.evaluate("document.documentElement.scrollWidth")
        if wide > NARROW["width"]:
            self.faults.append(f"{name}: {wide} pixels wide on a screen of {NARROW['width']}")
        page.screenshot(path=SCREENSHOTS / f"{name}-390.png", full_page=whole)
        page.set_viewport_size(WIDE)
        self.seen.add(name)

    def _axe(self, page: Page, name: str, context: dict[str, Any] | None) -> None:
        for found in self.axe.run(page, context=context, options=AXE_OPTIONS).response["violations"]:
            if found["impact"] in SERIOUS:
                where = "; ".join(str(node["target"]) for node in found["nodes"][:3])
                self.faults.append(f"{name}: {found['id']} ({found['impact']}): {found['help']}: {where}")

    def _console(self, page: Page, message: ConsoleMessage) -> None:
        # a refused form answers 422 and the browser says so; what the page itself says counts
        if message.type == "error" and "Failed to load resource" not in message.text:
            self.faults.append(f"{page.url}: {message.text}")
