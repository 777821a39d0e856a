"""What the release API takes and gives."""

from __future__ import annotations

from typing import Any

from marshmallow import fields, validate

from app.core.schema import MOST_REASON, BaseSchema, Text

HEX: dict[str, Any] = {"type": ["string", "null"]}


class RootSchema(BaseSchema):
    """The root that a ceremony signed, as TUF writes it."""

    root = fields.Dict(required=True)


class CeremonySchema(BaseSchema):
    """What a ceremony needs: public keys as TUF writes them."""

    repo_id = fields.String()
    held = fields.Boolean()
    targets_keys = fields.List(fields.Dict())
    online_keys = fields.Dict(keys=fields.String(), values=fields.List(fields.Dict()))


class CollectionSchema(BaseSchema):
    collection = fields.String(attribute="dataset.slug")
    repo_id = fields.String()
    root_fingerprint = fields.String()


class ReleaseCreateSchema(BaseSchema):
    version_id = fields.UUID(required=True)
    notes = fields.String(load_default="", validate=validate.Length(max=5000))


class SignatureSchema(BaseSchema):
    """Who signed, with which key."""

    person = fields.String(attribute="person.name")
    keyid = fields.String()
    created_at = fields.DateTime()


class PublicReleaseSchema(BaseSchema):
    """A release as its partners see it."""

    id = fields.UUID()
    collection = fields.String(attribute="dataset.slug")
    number = fields.Integer()
    state = fields.String()
    notes = fields.String()
    manifest_sha256 = fields.Function(
        lambda r: r.manifest_sha256.hex() if r.manifest_sha256 else None, metadata=HEX
    )
    shard_count = fields.Integer(allow_none=True)
    clip_count = fields.Integer(allow_none=True)
    total_bytes = fields.Integer(allow_none=True)
    published_at = fields.DateTime(allow_none=True)


class ReleaseSchema(PublicReleaseSchema):
    """With what the operator's people need."""

    dataset_id = fields.UUID()
    version_id = fields.UUID(attribute="dataset_version_id")
    reason = fields.String(allow_none=True)
    targets_version = fields.Integer(allow_none=True)
    signatures = fields.List(fields.Nested(SignatureSchema))
    created_at = fields.DateTime()


class SigningSummarySchema(BaseSchema):
    number = fields.Integer()
    clips = fields.Integer()
    shards = fields.Integer()
    total_bytes = fields.Integer()
    notes = fields.String()


class SignedBySchema(BaseSchema):
    keyid = fields.String()
    person = fields.String()


class SigningSchema(BaseSchema):
    """The bytes to sign (base64) and what they stand for."""

    release_id = fields.String()
    collection = fields.String()
    repo_id = fields.String()
    role = fields.String()
    payload = fields.String()
    manifest_sha256 = fields.String()
    summary = fields.Nested(SigningSummarySchema)
    signatures = fields.List(fields.Nested(SignedBySchema))
    threshold = fields.Integer()


class SignatureCreateSchema(BaseSchema):
    keyid = fields.String(required=True, validate=validate.Regexp(r"\A[0-9a-f]{64}\Z", error="64 hex digits"))
    signature = fields.String(
        required=True, validate=validate.Regexp(r"\A[0-9a-f]{128}\Z", error="128 hex digits")
    )


class GrantCreateSchema(BaseSchema):
    agreement_id = fields.UUID(required=True)
    dataset_id = fields.UUID(required=True)
    purpose = Text(required=True, most=200, one_line=True)
    expires_on = fields.Date(required=True)


class GrantApprovalSchema(BaseSchema):
    person = fields.String(attribute="person.name")
    created_at = fields.DateTime()


class GrantSchema(GrantCreateSchema):
    id = fields.UUID()
    state = fields.String()
    partner = fields.String(attribute="agreement.organisation.name")
    collection = fields.String(attribute="dataset.slug")
    approvals = fields.List(fields.Nested(GrantApprovalSchema))
    created_at = fields.DateTime()


class RevokeSchema(BaseSchema):
    reason = Text(required=True, least=3, most=MOST_REASON)
