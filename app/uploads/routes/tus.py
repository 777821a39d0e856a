"""tus 1.0.0 in terms of the uploads service: headers in, headers out (https://tus.io/protocols/resumable-upload).

Only what works is advertised. Another protocol (the IETF's resumable uploads) can sit beside this one.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Mapping
from datetime import UTC
from typing import Any, ClassVar, Final
from uuid import UUID

from marshmallow import ValidationError
from werkzeug.datastructures import Headers
from werkzeug.http import http_date

from app.core.errors import DomainError, InvalidRequest
from app.settings import Settings
from app.uploads.models import Upload
from app.uploads.schemas import details_said
from app.uploads.service import CHECKSUMS, Checksum, Declared
from app.uploads.service import errors as reasons
from app.uploads.vocabulary import DETAILS

VERSION: Final = "1.0.0"
EXTENSIONS: Final = "creation,expiration,checksum,termination"
CONTENT_TYPE: Final = "application/offset+octet-stream"
MAX_NUMBER: Final = 2**63 - 1
MAX_TEXT: Final = 1000


class BadHeader(InvalidRequest):
    type: ClassVar[str] = "bad-tus-header"
    title: ClassVar[str] = "A tus header is missing or malformed"


class WrongVersion(DomainError):
    type: ClassVar[str] = "tus-version"
    title: ClassVar[str] = "This is a tus resource: send Tus-Resumable: 1.0.0"


class WrongContentType(DomainError):
    type: ClassVar[str] = "tus-content-type"
    title: ClassVar[str] = "Send bytes as application/offset+octet-stream"


STATUS: Final[dict[type[DomainError], str]] = {
    BadHeader: "400 Bad Request",
    reasons.ConnectionLost: "400 Bad Request",
    reasons.UploadStalled: "408 Request Timeout",
    reasons.UploadGone: "410 Gone",
    WrongVersion: "412 Precondition Failed",
    WrongContentType: "415 Unsupported Media Type",
    reasons.UploadLocked: "423 Locked",
    reasons.ChecksumMismatch: "460 Checksum Mismatch",
}


def capabilities(settings: Settings) -> dict[str, str]:
    """The headers that answer OPTIONS."""
    return {
        "Tus-Resumable": VERSION,
        "Tus-Version": VERSION,
        "Tus-Extension": EXTENSIONS,
        "Tus-Max-Size": str(settings.upload_max_bytes),
        "Tus-Checksum-Algorithm": ",".join(CHECKSUMS),
    }


def check_version(headers: Headers) -> None:
    """Raises WrongVersion unless the client speaks 1.0.0."""
    if headers.get("Tus-Resumable") != VERSION:
        raise WrongVersion


def number(headers: Headers, name: str) -> int:
    """A non-negative 63-bit number. Raises BadHeader."""
    raw = headers.get(name, "")
    if not (raw.isascii() and raw.isdecimal() and len(raw) <= 19 and int(raw) <= MAX_NUMBER):
        raise BadHeader(f"{name} must be a whole number of bytes")
    return int(raw)


def upload_length(headers: Headers) -> int:
    """The length of the whole, which must be known. Raises BadHeader."""
    if "Upload-Defer-Length" in headers:
        raise BadHeader("Upload-Defer-Length is not supported: send Upload-Length")
    return number(headers, "Upload-Length")


def checksum(headers: Headers) -> Checksum | None:
    """What the request's bytes must hash to, if the client says. Raises BadHeader."""
    raw = headers.get("Upload-Checksum")
    if raw is None:
        return None
    algorithm, _, encoded = raw.partition(" ")
    if algorithm not in CHECKSUMS:
        raise BadHeader(f"Upload-Checksum must use one of {', '.join(CHECKSUMS)}")
    digest = _base64("Upload-Checksum", encoded)
    if len(digest) != hashlib.new(algorithm).digest_size:
        raise BadHeader(f"Upload-Checksum is not a {algorithm} digest")
    return Checksum(algorithm, digest)


def declared(headers: Headers) -> Declared:
    """What Upload-Metadata says; keys that mean nothing here are passed over, as tus has it. Raises BadHeader."""
    said = _metadata(headers.get("Upload-Metadata", ""))
    try:
        exercise_id = UUID(said["exercise"])
    except (KeyError, ValueError):
        raise BadHeader("Upload-Metadata must name the exercise by its id") from None
    try:
        sha256 = bytes.fromhex(said["sha256"]) if said.get("sha256") else None
        details = details_said(said)
    except ValidationError as error:
        messages: dict[str, Any] = error.normalized_messages()  # type: ignore[no-untyped-call]
        wrong = "; ".join(f"{name}: {' '.join(texts)}" for name, texts in messages.items())
        raise BadHeader(f"Upload-Metadata: {wrong}") from None
    except ValueError:
        raise BadHeader("Upload-Metadata: sha256 is hexadecimal") from None
    if sha256 is not None and len(sha256) != 32:
        raise BadHeader("Upload-Metadata: sha256 must have 64 hexadecimal digits")
    return Declared(
        exercise_id=exercise_id,
        filename=said.get("filename") or said.get("name") or "unnamed",
        media_type=said.get("filetype") or said.get("type") or None,
        sha256=sha256,
        **details,
    )


def describe(upload: Upload) -> dict[str, str]:
    """The headers that show where an upload stands."""
    return {
        "Tus-Resumable": VERSION,
        "Upload-Offset": str(upload.offset),
        "Upload-Length": str(upload.length),
        "Upload-Metadata": _encode(_said(upload)),
        "Upload-Expires": http_date(upload.expires_at.astimezone(UTC)),
        "Cache-Control": "no-store",
    }


def _said(upload: Upload) -> dict[str, str]:
    said = {"filename": upload.filename, "exercise": str(upload.exercise_id)}
    if upload.declared_sha256 is not None:
        said["sha256"] = upload.declared_sha256.hex()
    stored = {"filetype": "media_type"} | {name: name for name in DETAILS}
    return said | {key: str(upload.details[name]) for key, name in stored.items() if name in upload.details}


def _metadata(header: str) -> dict[str, str]:
    said: dict[str, str] = {}
    for pair in filter(None, (part.strip() for part in header.split(","))):
        key, _, encoded = pair.partition(" ")
        try:
            said[key] = _base64("Upload-Metadata", encoded).decode()
        except UnicodeDecodeError:
            raise BadHeader("Upload-Metadata must be UTF-8") from None
        if len(said[key]) > MAX_TEXT or "\x00" in said[key]:
            raise BadHeader(f"Upload-Metadata values have at most {MAX_TEXT} characters, none of them U+0000")
    return said


def _encode(said: Mapping[str, str]) -> str:
    return ",".join(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in said.items())


def _base64(name: str, encoded: str) -> bytes:
    try:
        return base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise BadHeader(f"{name} must be base64") from None
