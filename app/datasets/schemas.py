"""What the dataset API takes and gives."""

from __future__ import annotations

from marshmallow import fields, validate

from app.core.schema import BaseSchema, Text

SLUG = validate.Regexp(
    r"\A[a-z0-9](?:[a-z0-9-]{1,61}[a-z0-9])\Z", error="3 to 63 of a-z, 0-9 and inner hyphens"
)


class DatasetCreateSchema(BaseSchema):
    slug = fields.String(required=True, validate=[validate.Length(3, 63), SLUG])
    name = Text(required=True, most=200, one_line=True)
    description = fields.String(load_default="", validate=validate.Length(max=5000))


class DatasetSchema(DatasetCreateSchema):
    id = fields.UUID()
    taxonomy = fields.Function(
        lambda d: f"{d.taxonomy.name} {d.taxonomy.version}", metadata={"type": "string"}
    )
    created_at = fields.DateTime()


class SplitsSchema(BaseSchema):
    """Proportions of exercises; they add up to 1."""

    train = fields.Float(required=True, allow_nan=False, validate=validate.Range(0, 1))
    validation = fields.Float(required=True, allow_nan=False, validate=validate.Range(0, 1))
    test = fields.Float(required=True, allow_nan=False, validate=validate.Range(0, 1))


class VersionCreateSchema(BaseSchema):
    splits = fields.Nested(SplitsSchema, load_default=None, allow_none=True)


class VersionSchema(BaseSchema):
    id = fields.UUID()
    dataset_id = fields.UUID()
    number = fields.Integer()
    state = fields.String()
    splits = fields.Nested(SplitsSchema)
    version = fields.Integer()
    digest = fields.Function(
        lambda v: v.digest.hex() if v.digest else None, metadata={"type": ["string", "null"]}
    )
    frozen_at = fields.DateTime(allow_none=True)
    created_at = fields.DateTime()


class ItemsSchema(BaseSchema):
    """The clips named, or every clip with accepted labels."""

    clip_ids = fields.List(fields.UUID(), load_default=None, validate=validate.Length(1, 100_000))
    all_accepted = fields.Boolean(load_default=False)


class ItemSchema(BaseSchema):
    clip_id = fields.UUID()
    exercise_id = fields.UUID()
    split = fields.String(allow_none=True)
    split_by = fields.UUID(allow_none=True)
    labels = fields.Dict(allow_none=True)
    footage = fields.Dict(allow_none=True)
