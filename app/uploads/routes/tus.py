"""tus 1.0.0 in terms of the uploads service: headers in, headers out (https://tus.io/protocols/resumable-upload).

Only what works is advertised. Another protocol (the IETF's resumable uploads) can sit beside this one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import ClassVar, Final
from urllib.parse import urlsplit
from uuid import UUID

from werkzeug.datastructures import Headers
from werkzeug.http import http_date

from app.core.errors import DomainError
from app.settings import Settings
from app.uploads.models import Upload
from app.uploads.routes import metadata
from app.uploads.routes.headers import BadHeader, decode, number
from app.uploads.service import CHECKSUMS, Checksum, Declared
from app.uploads.service import errors as reasons

VERSION: Final = "1.0.0"
EXTENSIONS: Final = (
    "creation,creation-with-upload,creation-defer-length,expiration,checksum,termination,concatenation"
)
CONTENT_TYPE: Final = "application/offset+octet-stream"
OVERRIDE: Final = "X-HTTP-Method-Override"
OVERRIDDEN: Final = ("PATCH", "HEAD", "DELETE", "OPTIONS")  # of an upload; of all of them, by a POST there:
OVERRIDDEN_AT_CREATION: Final = ("POST", "OPTIONS")
RESOURCE: Final = re.compile(r"/api/v1/uploads(?:/[0-9a-fA-F-]{36})?\Z")
_PART: Final = re.compile(r"/api/v1/uploads/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\Z")


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


@dataclass(frozen=True, slots=True)
class Opening:
    """What a POST asks for: a file (`length` None: said later), a part of one, or a file made of `parts`."""

    declared: Declared
    length: int | None = None
    partial: bool = False
    parts: Sequence[UUID] = ()
    concat: str = ""  # the client's own words for the parts


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


def opening(headers: Headers, *, with_bytes: bool) -> Opening:
    """What a creation says. Raises BadHeader."""
    concat = headers.get("Upload-Concat")
    if concat is None or concat == "partial":
        length = upload_length(headers)
        return Opening(metadata.declared(headers), length, partial=concat == "partial")
    if with_bytes or "Upload-Length" in headers or "Upload-Defer-Length" in headers:
        raise BadHeader("An upload made of parts has their length and takes no bytes")
    return Opening(metadata.declared(headers), parts=_parts(concat), concat=concat)


def upload_length(headers: Headers) -> int | None:
    """The length of the whole; None where it is to be said later. Raises BadHeader."""
    if "Upload-Defer-Length" not in headers:
        return number(headers, "Upload-Length")
    if headers["Upload-Defer-Length"] != "1" or "Upload-Length" in headers:
        raise BadHeader("Send either Upload-Length, or Upload-Defer-Length: 1")
    return None


def _parts(concat: str) -> list[UUID]:
    """The uploads that `final;address address …` names, by path or whole address."""
    kind, _, listed = concat.partition(";")
    found = [_PART.fullmatch(_path(address)) for address in listed.split()]
    if kind != "final" or not found or None in found:
        raise BadHeader("Upload-Concat is 'partial', or 'final;' and the addresses of received parts")
    return [UUID(match[1]) for match in found if match]


def _path(address: str) -> str:
    try:
        return urlsplit(address).path
    except ValueError:
        return ""


def checksum(headers: Headers) -> Checksum | None:
    """What the request's bytes must hash to, if the client says. Raises BadHeader."""
    raw = headers.get("Upload-Checksum")
    if raw is None:
        return None
    algorithm, _, encoded = raw.partition(" ")
    if algorithm not in CHECKSUMS:
        raise BadHeader(f"Upload-Checksum must use one of {', '.join(CHECKSUMS)}")
    digest = decode("Upload-Checksum", encoded)
    if len(digest) != len(CHECKSUMS[algorithm]().digest()):
        raise BadHeader(f"Upload-Checksum is not a {algorithm} digest")
    return Checksum(algorithm, digest)


def overridden(headers: Headers) -> str:
    """The method that a POST to an upload stands for. Raises BadHeader."""
    return _method(headers.get(OVERRIDE, ""), OVERRIDDEN)


def asks_capabilities(headers: Headers) -> bool:
    """True where a POST to the collection stands for OPTIONS. Raises BadHeader for what it cannot stand for."""
    return _method(headers.get(OVERRIDE, "POST"), OVERRIDDEN_AT_CREATION) == "OPTIONS"


def _method(said: str, known: Sequence[str]) -> str:
    if said.upper() not in known:
        raise BadHeader(f"A POST here says in {OVERRIDE} which of {', '.join(known)} it stands for")
    return said.upper()


def describe(upload: Upload) -> dict[str, str]:
    """The headers that show where an upload stands. One that is still being put together has no offset yet."""
    told = {
        "Tus-Resumable": VERSION,
        "Upload-Metadata": metadata.as_header(upload),
        "Upload-Expires": http_date(upload.expires_at.astimezone(UTC)),
        "Cache-Control": "no-store",
    }
    if upload.length is None:
        told["Upload-Defer-Length"] = "1"
    else:
        told["Upload-Length"] = str(upload.length)
    if upload.kind != "final" or upload.sha256 is not None:
        told["Upload-Offset"] = str(upload.offset)
    if upload.kind != "whole":
        told["Upload-Concat"] = upload.details.get("concat", "partial")
    return told
