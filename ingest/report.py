"""What an ingest found and made, as types and as JSON: the contract between this library and whoever calls it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

RenditionKind = Literal[
    "master",
    "proxy",
    "stream",
    "playlist",
    "storyboard",
    "storyboard_index",
    "poster",
    "samples",
    "fingerprint",
    "signals",
    "waveform",
    "pcm",
    "ledger",
    "telemetry",
]
REPORT_NAME = "report.json"
REPORT_VERSION = 2


@dataclass(frozen=True, slots=True)
class SourceFacts:
    """The original. Sizes in bytes and pixels (as stored), `duration` in seconds, `time_base` and `average_rate` as
    "n/d", `rotation` in degrees clockwise, `telemetry` names of data tracks left out of everything derived."""

    size: int
    sha256: str
    md5: str
    container: str
    duration: float
    video_codec: str
    width: int
    height: int
    rotation: int
    pixel_format: str
    time_base: str
    average_rate: str
    variable_rate: bool
    frame_count: int
    audio_codec: str | None
    audio_rate: int | None
    audio_channels: int | None
    telemetry: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rendition:
    """A derived file: where (relative to the report), its size and digests, and index of how it was made in `recipes`.

    `width`, `height` in pixels; None where it is no picture.
    """

    kind: RenditionKind
    path: str
    media_type: str
    size: int
    sha256: str
    md5: str
    recipe: int
    width: int | None = None
    height: int | None = None


@dataclass(frozen=True, slots=True)
class Recipe:
    """How files were made: tool, its version, the command as run (names relative to the job), parameters."""

    tool: str
    version: str
    command: tuple[str, ...]
    parameters: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ClipFacts:
    """A clip: frames [start_frame, end_frame), source PTS [start_pts, end_pts), its length in seconds, its file.

    `reasons` say why it was cut so ("impulse", "scene_cut", "fixed_length", …); `eventful` is False where somebody
    looked and noticed nothing in it.
    """

    path: str
    start_frame: int
    end_frame: int
    start_pts: int
    end_pts: int
    seconds: float
    size: int
    sha256: str
    md5: str
    recipe: int
    reasons: tuple[str, ...]
    eventful: bool


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that one ingest found and made. `findings` are sentences for people."""

    source: SourceFacts
    profile: str
    renditions: tuple[Rendition, ...]
    clips: tuple[ClipFacts, ...]
    recipes: tuple[Recipe, ...]
    findings: tuple[str, ...]
    version: int = REPORT_VERSION

    def rendition(self, kind: RenditionKind) -> Rendition | None:
        """The rendition of that kind, or None where there is none (no sound, no waveform)."""
        return next((r for r in self.renditions if r.kind == kind), None)

    def to_json(self) -> str:
        """Return the report as JSON, keys in order of declaration."""
        return json.dumps(asdict(self), indent=1, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Report:
        """Read what `to_json` wrote. Raises ValueError for another version, TypeError or KeyError for a wrong shape."""
        raw = json.loads(text)
        if raw.get("version") != REPORT_VERSION:
            raise ValueError(f"report version {raw.get('version')} is not {REPORT_VERSION}")
        source = raw["source"] | {"telemetry": tuple(raw["source"]["telemetry"])}
        return cls(
            source=SourceFacts(**source),
            profile=raw["profile"],
            renditions=tuple(Rendition(**r) for r in raw["renditions"]),
            clips=tuple(ClipFacts(**(c | {"reasons": tuple(c["reasons"])})) for c in raw["clips"]),
            recipes=tuple(Recipe(**(r | {"command": tuple(r["command"])})) for r in raw["recipes"]),
            findings=tuple(raw["findings"]),
        )

    @classmethod
    def read(cls, workdir: Path) -> Report:
        """Read `report.json` of a finished ingest."""
        return cls.from_json((workdir / REPORT_NAME).read_text())
