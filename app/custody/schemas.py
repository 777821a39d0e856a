"""What the custody API takes and gives."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from app.core.schema import MOST_REASON, BaseSchema, Text

_SHA256 = validate.Regexp(r"\A[0-9a-f]{64}\Z", error="64 lower-case hexadecimal digits")


class ReasonSchema(BaseSchema):
    reason = Text(required=True, most=MOST_REASON)


class ReviewCreateSchema(BaseSchema):
    """What the reviewer confirms. `people`: bystanders and officers are `redacted`, or need it not."""

    training = fields.Boolean(required=True)
    tactics = fields.Boolean(required=True)
    people = fields.String(required=True, validate=validate.OneOf(("redacted", "none_needed")))
    note = Text(load_default=None, allow_none=True, most=MOST_REASON, attribute="note_text")


class RetentionSchema(BaseSchema):
    """`until` only with `extend`: the day on which it is due again."""

    decision = fields.String(required=True, validate=validate.OneOf(("keep", "extend", "erase")))
    reason = Text(required=True, most=MOST_REASON)
    until = fields.Date(load_default=None, allow_none=True)

    @validates_schema
    def _until_where_extended(self, data: dict[str, Any], **_: Any) -> None:
        if (data.get("decision") == "extend") != (data.get("until") is not None):
            raise ValidationError("give it to extend, and only then", "until")


class MovedOutSchema(BaseSchema):
    """The SHA-256 of the force's own copy of the original."""

    sha256 = fields.String(required=True, validate=_SHA256)


class ReviewSchema(BaseSchema):
    id = fields.UUID(required=True)
    recording_id = fields.UUID(required=True)
    people = fields.String(required=True)
    redaction_id = fields.UUID(allow_none=True)
    note = fields.String(allow_none=True)
    reviewed_by = fields.UUID(required=True)
    reviewed_at = fields.DateTime(required=True)


class HoldSchema(BaseSchema):
    id = fields.UUID(required=True)
    recording_id = fields.UUID(required=True)
    reason = fields.String(required=True)
    placed_by = fields.UUID(required=True)
    placed_at = fields.DateTime(required=True)
    lifted_at = fields.DateTime(allow_none=True)
    lift_reason = fields.String(allow_none=True)


class RetentionReviewSchema(BaseSchema):
    id = fields.UUID(required=True)
    recording_id = fields.UUID(required=True)
    due_on = fields.Date(required=True)
    decision = fields.String(allow_none=True)
    keep_until = fields.Date(allow_none=True)
    reason = fields.String(allow_none=True)
    decided_at = fields.DateTime(allow_none=True)


class IncidentSchema(BaseSchema):
    """`outcome`: null while it is open, `cleared`, `moving_out` or `moved_out`."""

    id = fields.UUID(required=True)
    recording_id = fields.UUID(required=True)
    reported_as = fields.String(required=True)
    reason = fields.String(required=True)
    reported_at = fields.DateTime(required=True)
    outcome = fields.String(allow_none=True)
    outcome_reason = fields.String(allow_none=True)
    decided_at = fields.DateTime(allow_none=True)


class ErasureSchema(BaseSchema):
    """`state`: requested, confirmed, erasing, done or cancelled; `destroyed` counts once it began."""

    id = fields.UUID(required=True)
    recording_id = fields.UUID(required=True)
    ground = fields.String(required=True)
    state = fields.String(required=True)
    reason = fields.String(required=True)
    requested_by = fields.UUID(required=True)
    requested_at = fields.DateTime(required=True)
    confirmed_by = fields.UUID(allow_none=True)
    confirmed_at = fields.DateTime(allow_none=True)
    done_at = fields.DateTime(allow_none=True)
    destroyed = fields.Dict(allow_none=True)


class StandingSchema(BaseSchema):
    """Everything that was decided about a recording and stands; members are null where nothing does. `stands_back` is
    the incident of the joined recording that it is a part of, while that one is in quarantine."""

    recording_id = fields.UUID(required=True, attribute="recording.id")
    state = fields.String(required=True, attribute="recording.state")
    review = fields.Nested(ReviewSchema, allow_none=True)
    review_holds = fields.Boolean(required=True)
    hold = fields.Nested(HoldSchema, allow_none=True)
    due_on = fields.Date(required=True)
    retention = fields.Nested(RetentionReviewSchema, allow_none=True)
    incident = fields.Nested(IncidentSchema, allow_none=True)
    stands_back = fields.Nested(IncidentSchema, allow_none=True)
    erasure = fields.Nested(ErasureSchema, allow_none=True)
    free_from = fields.DateTime(allow_none=True)
