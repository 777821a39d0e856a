"""What a camera wrote beside its pictures: who made it, where and when. Personal, restricted, and in nothing derived.

Format `cordon-telemetry/1`: docs/formats.md. All of it is what the file claims, good for a suggestion and no more. A
file whose telemetry is broken is taken in all the same, with a finding.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from io import BytesIO
from itertools import islice
from typing import Any, Literal

from ingest.boxes import user_data
from ingest.errors import FileRejected
from ingest.ffmpeg import input_options
from ingest.gopro import Fix, Payload, Reading, read_payload, read_settings
from ingest.probe import Probe, describe
from ingest.tags import Location, Tag, created_of, device_of, location_of, read_tags, time_code_of
from ingest.whitelist import DECODERS, PROBED
from ingest.workspace import SOURCE_NAME, Workspace

TELEMETRY_NAME = "telemetry.json"
FORMAT = "cordon-telemetry/1"
_TRACK_NAME = "telemetry.bin"
# A day of one payload a second; about three hours of the densest camera known.
_MOST_PAYLOADS, _MOST_BYTES, _MOST_PAYLOAD = 100_000, 256 << 20, 4 << 20

Clock = Literal["gps", "container"]


@dataclass(frozen=True, slots=True)
class Device:
    """The camera by its own account; empty where it says nothing."""

    name: str
    make: str
    model: str
    serial: str
    firmware: str


@dataclass(frozen=True, slots=True)
class Acceleration:
    """Samples a second; mean and highest magnitude in m/s², gravity included."""

    rate: float
    mean: float
    peak: float


@dataclass(frozen=True, slots=True)
class Telemetry:
    """`started_at` is when the first picture was taken (UTC) by `clock`: satellites before the container's own; a
    suggestion, None where neither says. `time_code` is the first picture's; `fixes` at most one a second."""

    started_at: datetime | None
    clock: Clock | None
    created_at: datetime | None
    time_code: str
    device: Device
    location: Location | None
    fixes: tuple[Fix, ...]
    acceleration: Acceleration | None
    tags: tuple[Tag, ...]
    findings: tuple[str, ...]

    def to_json(self) -> str:
        """The document, times as RFC 3339."""
        document = {"format": FORMAT, **asdict(self)}
        return json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False, default=_written) + "\n"

    @property
    def empty(self) -> bool:
        """True when the file says nothing of camera, place, time or person."""
        said = (
            self.started_at,
            self.time_code,
            self.location,
            self.fixes,
            self.acceleration,
            self.tags,
            self.findings,
        )
        return not any(said) and not any(asdict(self.device).values())


def _written(value: Any) -> str:
    if not isinstance(value, datetime):
        raise TypeError(type(value).__name__)
    return value.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def extract_telemetry(workspace: Workspace, probe: Probe) -> Telemetry:
    """Read the source's telemetry. Raises MachineFault or Cancelled; never anything for what the file holds."""
    described = describe(workspace)
    tags = read_tags(described)
    reading, findings = Reading(), []
    if settings := user_data(workspace.source).get("GPMF"):
        read_settings(settings, reading)
    zero = float(probe.video.first_pts * probe.video.time_base)
    for stream in described.get("streams", []):
        if stream.get("codec_tag_string") == "gpmd":
            try:
                for payload in _payloads(workspace, int(stream["index"]), zero, probe.duration):
                    read_payload(payload, reading)
            except FileRejected:
                findings.append("The telemetry track is too costly to read and is left out.")
            break
    if reading.broken:
        findings.append(f"The telemetry is malformed in places ({reading.broken}), which are left out.")
    return _put_together(tags, reading, findings)


def _put_together(tags: tuple[Tag, ...], reading: Reading, findings: list[str]) -> Telemetry:
    created = created_of(tags)
    # as many as a day has seconds, within it: the track's own clock is a stranger's too
    fixes = tuple(fix for fix in reading.fixes if -1 <= fix.t <= _MOST_PAYLOADS)[:_MOST_PAYLOADS]
    started = _by_satellite(fixes)
    said = device_of(tags)
    motion = None
    if reading.samples and reading.seconds > 0:
        rate, mean = reading.samples / reading.seconds, reading.total / reading.samples
        motion = Acceleration(round(rate, 2), round(mean, 3), round(reading.peak, 3))
    return Telemetry(
        started_at=started or created,
        clock="gps" if started else "container" if created else None,
        created_at=created,
        time_code=time_code_of(tags),
        device=Device(
            name=reading.device,
            make=said["make"],
            model=reading.model or said["model"],
            serial=reading.serial or said["serial"],
            firmware=reading.firmware or said["firmware"],
        ),
        location=location_of(tags),
        fixes=fixes,
        acceleration=motion,
        tags=tags,
        findings=tuple(findings),
    )


def _by_satellite(fixes: Sequence[Fix]) -> datetime | None:
    """When the first picture was taken by the median of what each fix says: single ones may lag."""
    starts = sorted(fix.time - timedelta(seconds=fix.t) for fix in fixes if fix.time is not None)
    return starts[len(starts) // 2] if starts else None


def _payloads(workspace: Workspace, index: int, zero: float, seconds: float) -> Iterator[Payload]:
    """Packets of a data track, taken out by the sandboxed tools, up to bounds of number and size."""
    given, probing = (
        [
            arg
            for name, value in input_options(workspace.limits, opened).items()
            for arg in (f"-{name}", str(value))
        ]
        for opened in (DECODERS, PROBED)
    )
    entries = ["-select_streams", str(index), "-show_entries", "packet=pts_time,duration_time,size"]
    listed = [str(workspace.tools.ffprobe), "-v", "error", *probing, *entries, "-of", "csv=p=0"]
    done = workspace.run([*listed, f"file:{SOURCE_NAME}"], media_seconds=seconds)
    with done.stdout.open(errors="replace") as lines:
        rows = [line.strip().split(",")[:3] for line in islice(lines, _MOST_PAYLOADS)]
    target = workspace.path / _TRACK_NAME
    taken = [str(workspace.tools.ffmpeg), "-nostdin", "-hide_banner", "-v", "error", "-y", *given]
    out = ["-map", f"0:{index}", "-c", "copy", "-fs", str(_MOST_BYTES), "-f", "data", _TRACK_NAME]
    try:
        workspace.run([*taken, "-i", f"file:{SOURCE_NAME}", *out], media_seconds=seconds)
        with target.open("rb") if target.exists() else BytesIO() as stream:
            for start, length, size in (row for row in rows if len(row) == 3 and row[2].isdigit()):
                data = stream.read(min(int(size), _MOST_PAYLOAD))
                stream.seek(max(0, int(size) - _MOST_PAYLOAD), 1)
                if data:
                    yield Payload(_number(start) - zero, _number(length), data)
    finally:
        target.unlink(missing_ok=True)


def _number(said: str) -> float:
    return 0.0 if said == "N/A" else float(said)
