"""The report's page: it says what the report says, stands alone, and gives strangers' text no power."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from ingest import drawing
from ingest.intervals import Span
from ingest.page import write_page
from ingest.report import Recipe, Report
from ingest.signals.findings import SIGNALS_NAME, Curves, Findings
from ingest.signals.heard import SoundEvent
from ingest.signals.seen import Cut

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>&amp;.mp4"
# Elements that have no end tag.
VOID = {"meta", "link", "img", "br", "hr", "input"}


class Parsed(HTMLParser):
    """Elements in order with their attributes, and all text; raises where tags do not match."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self.open: list[str] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data if self.open[-1:] != ["style"] else ""

    def of(self, tag: str) -> Iterator[dict[str, str]]:
        return (attributes for name, attributes in self.elements if name == tag)


@pytest.fixture
def out(derived: tuple[Path, Report], tmp_path: Path) -> Path:
    """An ingest's output with findings beside it."""
    copy = tmp_path / "out"
    shutil.copytree(derived[0], copy, ignore=shutil.ignore_patterns("*.mp4", "*.wav"))
    total = derived[1].source.frame_count
    findings = Findings(
        total,
        True,
        True,
        cuts=(Cut(50, 22.5),),
        black=(Span(0, 30),),
        silence=(Span(100, 160),),
        sounds=(SoundEvent("impulse", 55, 2.2, 40.25), SoundEvent("onset", 10, 0.4, 0.31)),
        curves=Curves((0.1,) * 10, (0.2, None, 2.0), (-20.0,) * 10),
    )
    (copy / SIGNALS_NAME).write_text(findings.to_json())
    return copy


def page_of(out: Path, report: Report, name: str = "range.mp4") -> Parsed:
    return Parsed(write_page(out, report, name=name).read_text())


def test_it_says_what_the_report_says(out: Path) -> None:
    report = Report.read(out)
    page = page_of(out, report)
    assert "range.mp4" in page.text
    for made in (*report.renditions, *report.clips):
        assert made.sha256 in page.text
        assert made.path in page.text
    assert all(" ".join(recipe.command) in page.text for recipe in report.recipes)
    assert report.source.sha256 in page.text
    moments = re.findall(r"0:\d\d\.\d\d(\d+)(onset of sound|scene cut|sudden loud sound)", page.text)
    assert moments == [("10", "onset of sound"), ("50", "scene cut"), ("55", "sudden loud sound")]


def test_bars_stand_where_things_happen(out: Path) -> None:
    report = Report.read(out)
    page = page_of(out, report)
    rows = {one["aria-label"]: at for at, (tag, one) in enumerate(page.elements) if tag == "svg"}
    at = rows["Black: 1"]
    tag, rect = page.elements[at + 1]
    assert (tag, float(rect["x"])) == ("rect", 0)
    assert float(rect["width"]) == pytest.approx(1000 * 1.2 / report.source.duration, rel=0.05)
    assert "Silence: 1" in rows
    assert "Frozen pictures: none" in rows
    assert sum(tag == "path" for tag, _ in page.elements) == 2  # waveform and change of the picture


def test_it_stands_alone(out: Path) -> None:
    html = write_page(out, Report.read(out), name="range.mp4").read_text()
    page = Parsed(html)
    assert not {"script", "link", "iframe", "img", "object"} & {tag for tag, _ in page.elements}
    assert all(not name.startswith("on") for _, attributes in page.elements for name in attributes)
    assert {one["href"].split("#")[0] for one in page.of("a")} - {""} <= {
        made.path for made in (*Report.read(out).renditions, *Report.read(out).clips)
    }
    assert re.findall(r"url\(\"?(.{5})", html) == ["data:"]
    assert "http://" not in html
    assert "https://" not in html
    policy = next(one["content"] for one in page.of("meta") if "content" in one)
    assert policy.startswith("default-src 'none'")


def test_strangers_text_has_no_power(out: Path) -> None:
    report = Report.read(out)
    source = replace(
        report.source, container=HOSTILE, video_codec=HOSTILE, pixel_format="</style>", telemetry=(HOSTILE,)
    )
    recipe = Recipe(HOSTILE, HOSTILE, (HOSTILE,), {"said": HOSTILE})
    clips = (replace(report.clips[0], reasons=(HOSTILE,)), *report.clips[1:])
    hostile = replace(
        report, source=source, recipes=(recipe,) * len(report.recipes), findings=(HOSTILE,), clips=clips
    )
    page, plain = page_of(out, hostile, HOSTILE), page_of(out, report, "a")
    assert {tag for tag, _ in page.elements} == {tag for tag, _ in plain.elements} | {"ul", "li"}
    assert page.text.count(HOSTILE) >= 6
    assert next(page.of("bdi")) == {}


def test_a_name_that_is_no_text_is_written_all_the_same(out: Path) -> None:
    assert "a?b.mp4" in page_of(out, Report.read(out), "a\udcffb.mp4").text


def test_without_findings_or_sound_it_says_so(out: Path) -> None:
    (out / SIGNALS_NAME).unlink()
    report = Report.read(out)
    mute = replace(
        report,
        renditions=tuple(r for r in report.renditions if r.kind not in ("waveform", "storyboard")),
        clips=(),
    )
    page = page_of(out, mute)
    assert "Pictures and sound were not looked into." in page.text
    assert not list(page.of("path"))
    assert "Storyboard" not in page.text
    with pytest.raises(FileNotFoundError, match="ledger"):
        write_page(out, replace(mute, renditions=()), name="x")


def test_times_ticks_and_bars() -> None:
    assert [drawing.clock(t) for t in (0, 59.96, 61, 3661.25)] == ["0:00.0", "1:00.0", "1:01.0", "1:01:01.2"]
    assert drawing.clock(75, 0) == "1:15"
    assert [tick.label for tick in drawing.ticks(24)] == ["0:00", "0:05", "0:10", "0:15", "0:20"]
    assert len(drawing.ticks(86_400)) == 7
    assert len(drawing.ticks(0.2)) == 1
    assert drawing.bar(10, 10, 10, "").x == 998
    assert drawing.bar(2, 4, 10, "").width == 200


def test_a_waveform_is_drawn_within_its_frame(tmp_path: Path) -> None:
    data = [-128, 127] * 250
    document = {"samples_per_pixel": 160, "sample_rate": 16_000, "data": data}
    (tmp_path / "w.json").write_text(json.dumps(document))
    path = drawing.waveform(tmp_path / "w.json", 2.0, 80)
    numbers = [float(n) for n in re.findall(r"[\d.]+", path)]
    assert (max(numbers[::2]), min(numbers[::2])) == (995, 0)
    assert (max(numbers[1::2]), min(numbers[1::2])) == (80, pytest.approx(0.3, abs=0.1))
    (tmp_path / "w.json").write_text(json.dumps(document | {"data": []}))
    assert drawing.waveform(tmp_path / "w.json", 2.0, 80) == ""
