"""Upload-Metadata: what a client says about a file, and is told back."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from marshmallow import ValidationError
from werkzeug.datastructures import Headers

from app.core.schema import breaks_lines
from app.uploads.models import Upload
from app.uploads.routes.headers import BadHeader, decode
from app.uploads.schemas import SentSchema, details_said
from app.uploads.service import Declared
from app.uploads.vocabulary import DETAILS

MAX_TEXT: Final = 1000


def declared(headers: Headers) -> Declared:
    """What Upload-Metadata says; keys that mean nothing here are passed over, as tus has it. Raises BadHeader."""
    header = headers.get("Upload-Metadata", "")
    said = _metadata(header)
    try:
        exercise_id = UUID(said["exercise"])
    except (KeyError, ValueError):
        raise BadHeader("Upload-Metadata must name the exercise by its id") from None
    try:
        sha256 = bytes.fromhex(said["sha256"]) if said.get("sha256") else None
        name = next((said[key] for key in ("filename", "name") if said.get(key, "").strip()), None)
        details = details_said(said | {"filename": name}, SentSchema)
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
        media_type=said.get("filetype") or said.get("type") or None,
        sha256=sha256,
        metadata=header,
        **details,
    )


def as_header(upload: Upload) -> str:
    """The header that said it, to the letter, as tus has it; for what came otherwise, or was erased, one like it."""
    if (header := upload.details.get("metadata")) is not None:
        return str(header)
    said = {"filename": upload.filename, "exercise": str(upload.exercise_id)}
    if upload.declared_sha256 is not None:
        said["sha256"] = upload.declared_sha256.hex()
    stored = {"filetype": "media_type"} | {name: name for name in DETAILS}
    return _encode(
        said | {key: str(upload.details[name]) for key, name in stored.items() if name in upload.details}
    )


def _metadata(header: str) -> dict[str, str]:
    said: dict[str, str] = {}
    for pair in filter(None, (part.strip() for part in header.split(","))):
        key, _, encoded = pair.partition(" ")
        if breaks_lines(key):
            raise BadHeader("Upload-Metadata keys hold no control characters")
        try:
            said[key] = decode("Upload-Metadata", encoded).decode()
        except UnicodeDecodeError:
            raise BadHeader("Upload-Metadata must be UTF-8") from None
        if len(said[key]) > MAX_TEXT or "\x00" in said[key]:
            raise BadHeader(f"Upload-Metadata values have at most {MAX_TEXT} characters, none of them U+0000")
    return said


def _encode(said: Mapping[str, str]) -> str:
    return ",".join(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in said.items())
