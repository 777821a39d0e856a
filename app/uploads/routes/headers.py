"""Reading tus headers: what every one of them shares."""

from __future__ import annotations

import base64
import binascii
from typing import ClassVar, Final

from werkzeug.datastructures import Headers

from app.core.errors import InvalidRequest

MAX_NUMBER: Final = 2**63 - 1


class BadHeader(InvalidRequest):
    type: ClassVar[str] = "bad-tus-header"
    title: ClassVar[str] = "A tus header is missing or malformed"


def number(headers: Headers, name: str) -> int:
    """A non-negative 63-bit number. Raises BadHeader."""
    raw = headers.get(name, "")
    if not (raw.isascii() and raw.isdecimal() and len(raw) <= 19 and int(raw) <= MAX_NUMBER):
        raise BadHeader(f"{name} must be a whole number of bytes")
    return int(raw)


def decode(name: str, encoded: str) -> bytes:
    """The bytes behind base64. Raises BadHeader."""
    try:
        return base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise BadHeader(f"{name} must be base64") from None
