"""A real Chromium for tests: the machine's own, else the one that `make setup-dev` unpacked into build/browser."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

UNPACKED = Path(__file__).resolve().parents[2] / "build" / "browser" / "unpacked"
SYSTEM_NAMES = ("chromium", "chromium-browser", "google-chrome")
# No connection of its own: on a closed network each would be refused, many at a time.
QUIET = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-domain-reliability",
)


def chromium_path() -> Path:
    """The browser's program. Skips the test, saying what to run, where there is none."""
    for name in SYSTEM_NAMES:
        if found := shutil.which(name):
            return Path(found)
    if (UNPACKED.parent / "done").is_file():
        return UNPACKED / "chromium"
    pytest.skip("no Chromium here: run 'make setup-dev'")


@contextmanager
def launch_browser() -> Iterator[Browser]:
    """A headless browser, closed at the end; each test opens contexts of its own in it."""
    path = chromium_path()
    env: dict[str, str | float | bool] = dict(os.environ)
    if path.is_relative_to(UNPACKED):
        env |= {
            "LD_LIBRARY_PATH": str(UNPACKED / "al2023" / "lib"),
            "FONTCONFIG_PATH": str(UNPACKED / "fonts"),
        }
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path, args=list(QUIET), env=env, chromium_sandbox=False
        )
        try:
            yield browser
        finally:
            browser.close()
