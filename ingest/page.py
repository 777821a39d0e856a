"""The report as one HTML file that needs nothing else: no script, no network, readable on a telephone and in the dark.

Names and metadata come from strangers: everything is escaped by the template engine, and the page's own policy lets a
browser load nothing.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from ingest import drawing
from ingest.frames import Ledger
from ingest.report import Rendition, RenditionKind, Report
from ingest.signals.findings import Findings
from ingest.timeline import moments_of, rows_of

PAGE_NAME = "report.html"
_WAVE_HEIGHT = 80
_CUE = re.compile(r"^(\d\d):(\d\d):(\d\d\.\d{3}) --> .*\n.*#xywh=(\d+),(\d+),(\d+),(\d+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Tile:
    """A picture of the storyboard: where it lies on the sheet, in pixels, and its time."""

    x: int
    y: int
    time: str


@dataclass(frozen=True, slots=True)
class Storyboard:
    """The sheet as a data address, and its tiles, all of one size in pixels."""

    sheet: str
    width: int
    height: int
    tiles: list[Tile]


def write_page(out_dir: Path, report: Report, *, name: str) -> Path:
    """Write `report.html` beside the report's files and return its path; `name` is what the recording is called."""
    ledger = Ledger.read(_path(out_dir, report, "ledger"))
    findings = Findings.read(out_dir)
    total = max(1e-3, float(ledger.time_of(ledger.frame_count)))
    sound = report.rendition("waveform")
    html = (
        _environment()
        .get_template("report.html")
        .render(
            name=name,
            report=report,
            facts=facts_of(report),
            findings=findings,
            total=total,
            storyboard=_storyboard(out_dir, report),
            rows=rows_of(report, findings, ledger, total),
            moments=moments_of(findings, ledger),
            ticks=drawing.ticks(total),
            wave=drawing.waveform(out_dir / sound.path, total, _WAVE_HEIGHT) if sound else "",
            wave_height=_WAVE_HEIGHT,
            wide=drawing.WIDE,
            time_of=lambda frame: float(ledger.time_of(frame)),
        )
    )
    target = out_dir / PAGE_NAME
    target.write_text(html, encoding="utf-8", errors="replace")
    return target


def facts_of(report: Report) -> list[tuple[str, str]]:
    """What is known of the original, in words."""
    source = report.source
    turned = f", shown turned by {source.rotation}°" if source.rotation else ""
    rate = "at uneven times" if source.variable_rate else f"{source.average_rate} a second"
    sound = "none"
    if source.audio_codec:
        sound = f"{source.audio_codec}, {source.audio_rate} Hz, {source.audio_channels} channel(s)"
    return [
        ("Length", drawing.clock(source.duration, 3)),
        ("Frames", f"{source.frame_count:,}, {rate}"),
        ("Picture", f"{source.video_codec}, {source.width} × {source.height}{turned}, {source.pixel_format}"),
        ("Sound", sound),
        ("Container", source.container),
        ("Size", f"{source.size:,} bytes"),
        ("SHA-256", source.sha256),
        ("MD5", source.md5),
        ("Time base", source.time_base),
        ("Left out", ", ".join(source.telemetry) or "nothing"),
        ("Profile", report.profile),
    ]


def _storyboard(out_dir: Path, report: Report) -> Storyboard | None:
    sheet, index = report.rendition("storyboard"), report.rendition("storyboard_index")
    if sheet is None or index is None:
        return None
    cues = _CUE.findall((out_dir / index.path).read_text())
    tiles = [
        Tile(int(x), int(y), drawing.clock(int(h) * 3600 + int(m) * 60 + float(s)))
        for h, m, s, x, y, _, _ in cues
    ]
    if not tiles:
        return None
    data = base64.b64encode((out_dir / sheet.path).read_bytes()).decode()
    return Storyboard(f"data:image/jpeg;base64,{data}", int(cues[0][5]), int(cues[0][6]), tiles)


def _path(out_dir: Path, report: Report, kind: RenditionKind) -> Path:
    found: Rendition | None = report.rendition(kind)
    if found is None:
        raise FileNotFoundError(f"the report names no {kind}")
    return out_dir / found.path


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["clock"] = drawing.clock
    return environment
