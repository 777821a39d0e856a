"""What the uploads API takes and gives as JSON; the tus resource itself speaks headers (`routes.tus`)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from marshmallow import ValidationError, fields, validate

from app.core.schema import BaseSchema, PageQuerySchema
from app.exercises.vocabulary import VIEWPOINTS
from app.uploads.vocabulary import CAMERA_YEARS, MOST_LINE, MOST_NOTES, MOST_OFFSET_SECONDS

STATES = ("created", "receiving", "received", "rejected", "recorded")


def _camera_time(value: datetime | None) -> None:
    if value is not None and value.tzinfo is None:
        raise ValidationError("must say its offset from UTC, for instance 2026-03-14T10:15:00+00:00")
    if value is not None and value.year not in CAMERA_YEARS:
        raise ValidationError("is no time that a camera can have had")


_offset = validate.Range(
    -MOST_OFFSET_SECONDS, MOST_OFFSET_SECONDS, error="must be seconds, at most ten years either way"
)


class DetailsSchema(BaseSchema):
    """What is said of a recording. Members that are left out say nothing; null takes back what was said.

    `started_at` is what the camera's clock showed, `clock_offset_seconds` that clock minus true time.
    """

    camera = fields.String(allow_none=True, validate=validate.Length(1, MOST_LINE))
    started_at = fields.DateTime(format="iso", allow_none=True, validate=_camera_time)
    clock_offset_seconds = fields.Float(allow_none=True, allow_nan=False, validate=_offset)
    viewpoint = fields.String(allow_none=True, validate=validate.OneOf(list(VIEWPOINTS)))
    reference = fields.String(allow_none=True, validate=validate.Length(1, MOST_LINE))
    notes = fields.String(allow_none=True, validate=validate.Length(1, MOST_NOTES))


def details_said(said: Mapping[str, Any]) -> dict[str, Any]:
    """The details among what a client says, whose other keys mean nothing here and whose empty values say nothing.

    Raises ValidationError.
    """
    known = DetailsSchema()
    given = {name: said[name] for name in known.fields if said.get(name) not in (None, "")}
    loaded: dict[str, Any] = known.load(given)
    return loaded


class UploadQuerySchema(PageQuerySchema):
    exercise = fields.UUID(load_default=None, attribute="exercise_id")
    state = fields.String(load_default=None, validate=validate.OneOf(STATES))


class DigestSchema(BaseSchema):
    sha256 = fields.String(required=True, validate=validate.Regexp(r"[0-9a-fA-F]{64}\Z"))


class Hex(fields.String):
    """Bytes as lower-case hexadecimal digits."""

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> str | None:  # noqa: ARG002
        return None if value is None else bytes(value).hex()


class UploadSchema(BaseSchema):
    """`recording_id` is the recording that the upload became, or the earlier one that it repeats."""

    id = fields.UUID(required=True)
    exercise_id = fields.UUID(required=True)
    filename = fields.String(required=True)
    length = fields.Integer(required=True)
    offset = fields.Integer(required=True)
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
