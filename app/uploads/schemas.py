"""What the uploads API takes and gives as JSON; the tus resource itself speaks headers (`routes.tus`)."""

from __future__ import annotations

from typing import Any

from marshmallow import fields, validate

from app.core.schema import BaseSchema, PageQuerySchema

STATES = ("created", "receiving", "received", "rejected", "recorded", "joined")
KINDS = ("whole", "partial", "final")


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
    """`recording_id` is the recording that the upload became, or the earlier one that it repeats.

    `kind` is `whole`, `partial` (a part, which ends as `joined`) or `final` (of parts). `length` is null while unknown.
    """

    id = fields.UUID(required=True)
    exercise_id = fields.UUID(required=True)
    filename = fields.String(required=True)
    kind = fields.String(required=True, validate=validate.OneOf(KINDS))
    length = fields.Integer(required=True, allow_none=True)
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
