"""What a container's own tags say of who, where and when: strings that a camera, or anybody, wrote."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

_MOST_TAGS, _MOST_NAME, _MOST_VALUE = 200, 100, 1000
# Of no interest: how the file is made, not by whom.
_PLAIN = {"major_brand", "minor_version", "compatible_brands", "language", "vendor_id", "duration", "encoder"}
_MAKE = ("com.apple.quicktime.make", "make", "com.android.manufacturer", "manufacturer")
_MODEL = (
    "com.apple.quicktime.model",
    "model",
    "com.android.model",
    "camera_model",
    "device_model",
    "product",
)
_SERIAL = (
    "serial",
    "serial_number",
    "serialnumber",
    "device_serial",
    "device_serial_number",
    "camera_serial",
)
_FIRMWARE = ("firmware", "com.apple.quicktime.software", "software", "com.android.version")
_LOCATION = ("location", "com.apple.quicktime.location.iso6709", "location-eng", "xyz")
_CREATED = ("com.apple.quicktime.creationdate", "creation_time", "date")
# What software writes where a camera writes its name.
_NOBODY = {"VideoHandler", "SoundHandler", "DataHandler", "TimeCodeHandler", ""}
# ISO 6709:2008, annex H: ±DD.D, ±DDMM.M or ±DDMMSS.S, longitude with three digits of degrees, metres of height.
_POINT = re.compile(
    r"([+-])(\d{2,6})(\.\d+)?([+-])(\d{3,7})(\.\d+)?(?:([+-]\d{1,6}(?:\.\d+)?))?(?:CRS[\w:]*)?/?"
)
# Clocks that were never set count from 1904, 1970 or 1980.
_EARLIEST, _LATEST = datetime(1990, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag as it stands: of the file (`track` None) or of a track, cut at 1,000 characters."""

    track: int | None
    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Location:
    """A place in degrees (WGS 84) and, where said, metres above it."""

    latitude: float
    longitude: float
    altitude: float | None


def read_tags(described: dict[str, Any]) -> tuple[Tag, ...]:
    """Tags of ffprobe's description, the file's first, without those that say nothing of a camera or a person."""
    found: list[Tag] = []
    owners = [
        (None, described.get("format", {})),
        *((s.get("index"), s) for s in described.get("streams", [])),
    ]
    for track, owner in owners:
        for name, value in owner.get("tags", {}).items():
            if name.lower() not in _PLAIN and str(value) not in _NOBODY and len(found) < _MOST_TAGS:
                found.append(Tag(track, _clean(name, _MOST_NAME), _clean(value, _MOST_VALUE)))
    return tuple(found)


def _clean(said: object, most: int) -> str:
    return "".join(c for c in str(said) if c.isprintable())[:most].strip()


def _value(tags: tuple[Tag, ...], names: tuple[str, ...]) -> str:
    """The first tag of those names, in their order, the file's before a track's."""
    values: dict[str, str] = {}
    for tag in tags:
        values.setdefault(tag.name.lower(), tag.value)
    return next((values[name] for name in names if values.get(name)), "")


def device_of(tags: tuple[Tag, ...]) -> dict[str, str]:
    """`make`, `model`, `serial` and `firmware` as tags say them; empty where they do not."""
    names = {"make": _MAKE, "model": _MODEL, "serial": _SERIAL, "firmware": _FIRMWARE}
    return {what: _value(tags, keys) for what, keys in names.items()}


def time_code_of(tags: tuple[Tag, ...]) -> str:
    """The time code of the first picture, "HH:MM:SS:FF"; empty where there is none."""
    said = _value(tags, ("timecode",))
    return said if re.fullmatch(r"\d{1,2}(:\d{2}){2}[:;.]\d{1,3}", said) else ""


def created_of(tags: tuple[Tag, ...]) -> datetime | None:
    """When the container says that it was begun, in UTC; None where it does not, or its clock was not set."""
    try:
        said = datetime.fromisoformat(_value(tags, _CREATED))
    except ValueError:
        return None
    try:
        when = said.astimezone(UTC) if said.tzinfo else said.replace(tzinfo=UTC)
    except OverflowError:
        return None
    return when if _EARLIEST <= when < _LATEST else None


def location_of(tags: tuple[Tag, ...]) -> Location | None:
    """The place that tags name by ISO 6709; None for none, or for what is no place on Earth."""
    found = _POINT.fullmatch(_value(tags, _LOCATION))
    if found is None:
        return None
    latitude = _degrees(found[1], found[2], found[3] or "", 2)
    longitude = _degrees(found[4], found[5], found[6] or "", 3)
    if latitude is None or longitude is None or abs(latitude) > 90 or abs(longitude) > 180:
        return None
    return Location(latitude, longitude, float(found[7]) if found[7] else None)


def _degrees(sign: str, whole: str, fraction: str, width: int) -> float | None:
    """Degrees of one coordinate: `whole` is DD, DDMM or DDMMSS, with `width` digits of degrees."""
    if len(whole) - width not in (0, 2, 4):
        return None
    parts = [whole[:width], *(whole[at : at + 2] for at in range(width, len(whole), 2))]
    values = [float(part) for part in parts]
    values[-1] += float(f"0{fraction}") if fraction else 0.0
    size = sum((value / 60.0**power for power, value in enumerate(values)), 0.0)
    return round(-size if sign == "-" else size, 7)
