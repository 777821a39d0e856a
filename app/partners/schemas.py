"""What the agreements API takes and gives."""

from __future__ import annotations

from marshmallow import fields, validate

from app.core.schema import BaseSchema
from app.partners.vocabulary import PURPOSES, TRANSFER_GROUNDS

_line = validate.Length(1, 200)
_reference = validate.Regexp(
    r"\A[A-Za-z0-9][A-Za-z0-9._/-]*\Z", error="letters, digits, '.', '_', '/' and '-'"
)


class AgreementCreateSchema(BaseSchema):
    organisation_id = fields.UUID(required=True)
    reference = fields.String(required=True, validate=[_line, _reference])
    purposes = fields.List(
        fields.String(validate=validate.OneOf(list(PURPOSES))),
        required=True,
        validate=validate.Length(1, len(PURPOSES)),
    )
    country = fields.String(
        required=True,
        validate=validate.Regexp(r"\A[A-Z]{2}\Z", error="two capital letters, ISO 3166-1 alpha-2"),
    )
    transfer_ground = fields.String(required=True, validate=validate.OneOf(list(TRANSFER_GROUNDS)))
    contact_email = fields.Email(required=True, validate=validate.Length(3, 254))
    starts_on = fields.Date(required=True)
    ends_on = fields.Date(required=True, metadata={"description": "the last day"})


class ApprovalSchema(BaseSchema):
    person_id = fields.UUID(required=True)
    created_at = fields.DateTime(required=True)


class AgreementSchema(BaseSchema):
    id = fields.UUID(required=True)
    organisation_id = fields.UUID(required=True)
    reference = fields.String(required=True)
    purposes = fields.List(fields.String(), required=True)
    country = fields.String(required=True)
    transfer_ground = fields.String(required=True)
    contact_email = fields.String(required=True)
    starts_on = fields.Date(required=True)
    ends_on = fields.Date(required=True)
    state = fields.String(required=True, validate=validate.OneOf(["proposed", "active", "ended"]))
    proposed_by = fields.UUID(required=True)
    approvals = fields.List(fields.Nested(ApprovalSchema), required=True)
    created_at = fields.DateTime(required=True)
    ended_at = fields.DateTime(allow_none=True)
