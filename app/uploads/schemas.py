"""What the uploads API takes and gives as JSON; the tus resource itself speaks headers (`routes.tus`)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any, Final

from marshmallow import ValidationError, fields, validate, validates_schema

from app.core.schema import BaseSchema, PageQuerySchema, Text
from app.exercises.vocabulary import VIEWPOINTS
from app.storage.incoming import MAX_PARTS
from app.uploads.vocabulary import CAMERA_YEARS, MOST_LINE, MOST_NAME, MOST_NOTES, MOST_OFFSET_SECONDS

ADDRESSES_AT_ONCE: Final = 16
STATES = ("created", "receiving", "received", "rejected", "recorded", "joined")
KINDS = ("whole", "partial", "final")


def _camera_time(value: datetime | None) -> None:
    if value is not None and value.tzinfo is None:
        raise ValidationError("must say its offset from UTC, for instance 2026-03-14T10:15:00+00:00")
    if value is not None and value.year not in CAMERA_YEARS:
        raise ValidationError("is no time that a camera can have had")


_offset = validate.Range(
    -MOST_OFFSET_SECONDS, MOST_OFFSET_SECONDS, error="must be seconds, at most ten years either way"
)


class Filename(Text):
    """What a file is called: the last part of what may be a path, without blanks around it. What names a folder alone,
    or would break a line where it is shown, is refused."""

    def __init__(self, **more: Any) -> None:
        super().__init__(most=MOST_NAME, one_line=True, **more)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        path = super()._deserialize(value, attr, data, **kwargs)
        name = PurePosixPath(path.replace("\\", "/")).name.strip()
        if name in ("", ".", ".."):
            raise ValidationError("must be the name of a file")
        return name


class DetailsSchema(BaseSchema):
    """What is said of a recording. Members that are left out say nothing; null takes back what was said.

    `started_at` is what the camera's clock showed, `clock_offset_seconds` that clock minus true time.
    """

    camera = Text(allow_none=True, most=MOST_LINE)
    started_at = fields.DateTime(format="iso", allow_none=True, validate=_camera_time)
    clock_offset_seconds = fields.Float(allow_none=True, allow_nan=False, validate=_offset)
    viewpoint = fields.String(allow_none=True, validate=validate.OneOf(list(VIEWPOINTS)))
    reference = Text(allow_none=True, most=MOST_LINE)
    notes = Text(allow_none=True, most=MOST_NOTES)


class SentSchema(DetailsSchema):
    """What a client that sends a file says of it."""

    filename = Filename()


def details_said(said: Mapping[str, Any], schema: type[DetailsSchema] = DetailsSchema) -> dict[str, Any]:
    """The details among what a client says, whose other keys mean nothing here and whose empty values say nothing.

    Raises ValidationError.
    """
    known = schema()
    given = {name: said[name] for name in known.fields if not _says_nothing(said.get(name))}
    loaded: dict[str, Any] = known.load(given)
    return loaded


def _says_nothing(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


class UploadQuerySchema(PageQuerySchema):
    exercise = fields.UUID(load_default=None, attribute="exercise_id")
    state = fields.String(load_default=None, validate=validate.OneOf(STATES))


class DigestSchema(BaseSchema):
    sha256 = fields.String(required=True, validate=validate.Regexp(r"[0-9a-fA-F]{64}\Z"))


class Hex(fields.String):
    """32 bytes as hexadecimal digits, lower-case where they are given."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        text = super()._deserialize(value, attr, data, **kwargs)
        if re.fullmatch(r"[0-9a-fA-F]{64}", text) is None:
            raise ValidationError("must be a SHA-256 in 64 hexadecimal digits")
        return bytes.fromhex(text)

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> str | None:  # noqa: ARG002
        return None if value is None else bytes(value).hex()


class UploadSchema(BaseSchema):
    """`recording_id` is the recording that the upload became, or the earlier one that it repeats.

    `kind` is `whole`, `partial` (a part, which ends as `joined`) or `final` (of parts). `length` is null while unknown.
    """

    id = fields.UUID(required=True)
    exercise_id = fields.UUID(required=True)
    filename = fields.String(required=True)
    kind = fields.String(required=True, validate=validate.OneOf(KINDS))
    length = fields.Integer(required=True, allow_none=True)
    offset = fields.Integer(required=True)
    via = fields.String(required=True, validate=validate.OneOf(("tus", "direct")))
    state = fields.String(required=True, validate=validate.OneOf(STATES))
    reason_code = fields.String(allow_none=True)
    reason = fields.String(allow_none=True)
    declared_sha256 = Hex(allow_none=True)
    sha256 = Hex(allow_none=True)
    recording_id = fields.UUID(allow_none=True)
    created_at = fields.DateTime(required=True)
    updated_at = fields.DateTime(required=True)
    completed_at = fields.DateTime(allow_none=True)
    expires_at = fields.DateTime(required=True)


class DirectCreateSchema(DetailsSchema):
    """What goes straight to the store: `length` in bytes; the SHA-256 may be declared later, but then at completion.
    Beside it the recording's details."""

    exercise_id = fields.UUID(required=True)
    filename = Filename(required=True)
    length = fields.Integer(required=True, strict=True, validate=validate.Range(0, 2**63 - 1))
    media_type = fields.String(load_default=None, validate=validate.Length(max=1000))
    sha256 = Hex(load_default=None)


class DirectUploadSchema(UploadSchema):
    """All parts have `part_size` bytes but the last; they are numbered from 1 to `part_count`."""

    part_size = fields.Integer(required=True)
    part_count = fields.Integer(required=True)


class WantedPartSchema(BaseSchema):
    number = fields.Integer(required=True, strict=True, validate=validate.Range(1, MAX_PARTS))
    sha256 = Hex(required=True)


class PartsWantedSchema(BaseSchema):
    """The parts that are sent next, with the digest of each: the store takes no other bytes for it."""

    parts = fields.List(
        fields.Nested(WantedPartSchema), required=True, validate=validate.Length(1, ADDRESSES_AT_ONCE)
    )

    @validates_schema
    def _once_each(self, data: dict[str, Any], **_: Any) -> None:
        numbers = [part["number"] for part in data["parts"]]
        if len(set(numbers)) != len(numbers):
            raise ValidationError("names a part twice", "parts")


class PartAddressSchema(BaseSchema):
    number = fields.Integer(required=True)
    url = fields.Url(required=True, require_tld=False)
    headers = fields.Dict(keys=fields.String(), values=fields.String(), required=True)


class AddressesSchema(BaseSchema):
    parts = fields.List(fields.Nested(PartAddressSchema), required=True)
    expires_at = fields.DateTime(required=True)


class PartQuerySchema(PageQuerySchema):
    """`cursor` is opaque, as in every list; the order is that of the parts."""


class StoredPartSchema(BaseSchema):
    """A part that the store holds; `sha256` is what was declared for it."""

    number = fields.Integer(required=True)
    length = fields.Integer(required=True)
    sha256 = Hex(allow_none=True)
