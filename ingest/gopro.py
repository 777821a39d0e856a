"""What a GoPro's GPMF says of camera, place and motion, from payloads that each cover about a second.

Keys: https://github.com/gopro/gpmf-parser (README, "Where to find GPMF data"): GPS5, GPS9, GPSU, GPSF, GPSP, ACCL,
DVNM, and of the file's own GPMF: MINF, CASN, FMWR. GPS5 and GPS9 are WGS 84: degrees, degrees, metres, metres a second.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from ingest.gpmf import Item, Malformed, numbers, parse, scaled, text

# GPS9 counts days from here.
_GPS9_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_LEAST_FIX = 2  # GPSF: 0 no lock, 2 two-dimensional, 3 three-dimensional


@dataclass(frozen=True, slots=True)
class Payload:
    """One packet of the track: `start` and `duration` in seconds from the first picture."""

    start: float
    duration: float
    data: bytes


@dataclass(frozen=True, slots=True)
class Fix:
    """Where the camera was at `t` seconds from the first picture: degrees (WGS 84), metres, metres a second; `dop`, the
    dilution of precision, is good below 5; `time` is the satellites' (UTC), None where it was not said."""

    t: float
    latitude: float
    longitude: float
    altitude: float
    speed: float
    dop: float | None
    time: datetime | None


@dataclass(slots=True)
class Reading:
    """What a track's payloads came to. `samples` of acceleration over `seconds`: the `total` and the `peak` of their
    magnitudes in m/s², gravity included. `broken` counts what was malformed."""

    device: str = ""
    model: str = ""
    serial: str = ""
    firmware: str = ""
    fixes: list[Fix] = field(default_factory=list)
    samples: int = 0
    seconds: float = 0.0
    total: float = 0.0
    peak: float = 0.0
    broken: int = 0


def read_payload(payload: Payload, into: Reading) -> None:
    """Add what one payload says; what is malformed is counted and passed over."""
    try:
        devices = parse(payload.data)
    except Malformed:
        into.broken += 1
        return
    for device in devices:
        into.device = into.device or text(device.child("DVNM"))[:100]
        for stream in device.walk():
            if stream.key == "STRM":
                try:
                    _read_stream(stream, payload, into)
                except Malformed:
                    into.broken += 1


def read_settings(data: bytes, into: Reading) -> None:
    """Add what the file's own GPMF (moov/udta/GPMF) says of the camera."""
    try:
        found = {item.key: text(item)[:100] for device in parse(data) for item in device.walk()}
    except Malformed:
        into.broken += 1
        return
    into.model = into.model or found.get("MINF", "")
    into.serial = into.serial or found.get("CASN", "")
    into.firmware = into.firmware or found.get("FMWR", "")


def _read_stream(stream: Item, payload: Payload, into: Reading) -> None:
    if item := stream.child("GPS9"):
        _read_gps9(scaled(stream, item), payload, into)
    elif item := stream.child("GPS5"):
        _read_gps5(stream, scaled(stream, item), payload, into)
    elif item := stream.child("ACCL"):
        lengths = np.linalg.norm(scaled(stream, item), axis=1)
        if len(lengths) and np.isfinite(lengths).all():
            into.samples += len(lengths)
            into.seconds += payload.duration
            into.total += float(lengths.sum())
            into.peak = max(into.peak, float(lengths.max()))


def _read_gps5(stream: Item, rows: NDArray[np.float64], payload: Payload, into: Reading) -> None:
    """One fix a payload: GPS5 says neither time nor precision of the others."""
    lock = stream.child("GPSF")
    dop = stream.child("GPSP")
    if not len(rows) or rows.shape[1] < 5 or (_first(lock) or 0) < _LEAST_FIX:
        return
    precision = _first(dop)
    when = _gps_time(text(stream.child("GPSU")))
    _keep(rows[0], payload.start, precision / 100 if precision is not None else None, when, into)


def _first(item: Item | None) -> float | None:
    values = numbers(item).ravel() if item else np.array([])
    return float(values[0]) if len(values) and np.isfinite(values[0]) else None


def _read_gps9(rows: NDArray[np.float64], payload: Payload, into: Reading) -> None:
    """Columns: latitude, longitude, altitude, 2D and 3D speed, days since 2000, seconds of the day, DOP, lock."""
    if len(rows) and rows.shape[1] >= 9 and rows[0, 8] >= _LEAST_FIX:
        _, _, _, _, _, days, seconds, dop, _ = rows[0, :9].tolist()
        when = None
        if 0 <= days < 50_000 and 0 <= seconds < 86_401:
            when = _GPS9_EPOCH + timedelta(days=int(days), seconds=seconds)
        _keep(rows[0], payload.start, dop, when, into)


def _keep(
    row: NDArray[np.float64], t: float, dop: float | None, when: datetime | None, into: Reading
) -> None:
    latitude, longitude, altitude, speed = (float(value) for value in row[:4])
    if abs(latitude) <= 90 and abs(longitude) <= 180:
        into.fixes.append(Fix(round(t, 3), latitude, longitude, altitude, speed, dop, when))


def _gps_time(said: str) -> datetime | None:
    """GPSU, "yymmddhhmmss.sss" of this century, UTC."""
    try:
        return datetime.strptime(f"20{said}000"[:21], "%Y%m%d%H%M%S.%f").replace(tzinfo=UTC)
    except ValueError:
        return None
