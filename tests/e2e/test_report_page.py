"""The page that an ingest writes, opened from the disk: it fits a telephone, by axe, in the light and in the dark."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from ingest.intervals import Span
from ingest.page import write_page
from ingest.pipeline import ingest
from ingest.signals.findings import SIGNALS_NAME, Curves, Findings
from ingest.signals.heard import SoundEvent
from ingest.signals.seen import Cut
from tests.e2e.looks import WIDE, Looks
from tests.factories.material import SHORT_CLIPS
from tests.media import synthetic


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page with something in every row."""
    out = tmp_path_factory.mktemp("report")
    report = ingest(synthetic.plain(out / "a.mp4", seconds=5, rate="10"), out / "out", profile=SHORT_CLIPS)
    spans = (Span(0, 20),)
    sounds = (SoundEvent("impulse", 10, 1.0, 30.5), SoundEvent("onset", 30, 3.0, 0.3))
    curves = Curves((0.5,) * 5, (0.1, 0.9, None, 0.2, 0.3), (-20.0,) * 5)
    findings = Findings(50, True, True, (Cut(25, 20.1),), spans, spans, spans, spans, sounds, spans, curves)
    (out / "out" / SIGNALS_NAME).write_text(findings.to_json())
    return write_page(out / "out", report, name="a-long-name-without-any-space-" * 6 + ".mp4")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_report_fits_and_is_accessible(browser: Browser, written: Path, scheme: str) -> None:
    looks = Looks()
    page = browser.new_page(viewport=WIDE, color_scheme=scheme)
    looks.watch(page)
    page.goto(written.as_uri())
    looks.at(page, f"report-{scheme}")
    tile = page.get_by_role("img", name="Picture at 0:01.0")
    assert tile.evaluate("tile => getComputedStyle(tile).backgroundPosition") == "-160px 0px"
    page.close()
    assert looks.faults == []
