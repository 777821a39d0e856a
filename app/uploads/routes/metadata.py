"""Upload-Metadata: what a client says about a file, and is told back."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import datetime
from typing import Final
from uuid import UUID

from werkzeug.datastructures import Headers

from app.uploads.models import Upload
from app.uploads.routes.headers import BadHeader, decode
from app.uploads.service import Declared

MAX_TEXT: Final = 1000
# A clock that was never set says 1970; beyond year 1 or 9999 nothing reads.
CAMERA_YEARS: Final = range(1900, 2200)


def declared(headers: Headers) -> Declared:
    """What Upload-Metadata says; keys that mean nothing here are passed over, as tus has it. Raises BadHeader."""
    said = _metadata(headers.get("Upload-Metadata", ""))
    try:
        exercise_id = UUID(said["exercise"])
    except (KeyError, ValueError):
        raise BadHeader("Upload-Metadata must name the exercise by its id") from None
    try:
        sha256 = bytes.fromhex(said["sha256"]) if said.get("sha256") else None
        started_at = datetime.fromisoformat(said["started_at"]) if said.get("started_at") else None
    except ValueError:
        raise BadHeader("Upload-Metadata: sha256 is hexadecimal, started_at is ISO 8601") from None
    if sha256 is not None and len(sha256) != 32:
        raise BadHeader("Upload-Metadata: sha256 must have 64 hexadecimal digits")
    if started_at is not None and started_at.tzinfo is None:
        raise BadHeader("Upload-Metadata: started_at must say its offset from UTC")
    if started_at is not None and started_at.year not in CAMERA_YEARS:
        raise BadHeader("Upload-Metadata: started_at is no time that a camera can have had")
    return Declared(
        exercise_id=exercise_id,
        filename=said.get("filename") or "unnamed",
        media_type=said.get("filetype") or None,
        sha256=sha256,
        camera=said.get("camera") or None,
        started_at=started_at,
    )


def as_header(upload: Upload) -> str:
    """What was said about the upload, as the header that said it."""
    said = {"filename": upload.filename, "exercise": str(upload.exercise_id)}
    if upload.declared_sha256 is not None:
        said["sha256"] = upload.declared_sha256.hex()
    stored = {"filetype": "media_type", "camera": "camera", "started_at": "started_at"}
    return _encode(
        said | {key: upload.details[name] for key, name in stored.items() if name in upload.details}
    )


def _metadata(header: str) -> dict[str, str]:
    said: dict[str, str] = {}
    for pair in filter(None, (part.strip() for part in header.split(","))):
        key, _, encoded = pair.partition(" ")
        try:
            said[key] = decode("Upload-Metadata", encoded).decode()
        except UnicodeDecodeError:
            raise BadHeader("Upload-Metadata must be UTF-8") from None
        if len(said[key]) > MAX_TEXT or "\x00" in said[key]:
            raise BadHeader(f"Upload-Metadata values have at most {MAX_TEXT} characters, none of them U+0000")
    return said


def _encode(said: Mapping[str, str]) -> str:
    return ",".join(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in said.items())
