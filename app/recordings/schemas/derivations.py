"""What is made of recordings on request, as the API takes and gives it."""

from __future__ import annotations

from marshmallow import fields, validate

from app.core.schema import BaseSchema
from app.recordings.schemas.recordings import MAX_FRAME
from ingest.segmentation.plan import PLANS

STRATEGIES = tuple(name for name in PLANS if name != "manual")


class JoinSchema(BaseSchema):
    """Recordings of one exercise, in any order."""

    ids = fields.List(fields.UUID(), required=True, validate=validate.Length(2, 100))


class CutSchema(BaseSchema):
    """How to cut: `ranges` of frames [start, end) that become clips whatever else is cut, strategies instead of the
    usual ones, a clip each so many `seconds`. At least one of them."""

    ranges = fields.List(
        fields.List(
            fields.Integer(strict=True, validate=validate.Range(0, MAX_FRAME)),
            validate=validate.Length(equal=2),
        ),
        load_default=list,
        validate=validate.Length(max=500),
    )
    strategies = fields.List(
        fields.String(validate=validate.OneOf(STRATEGIES)),
        load_default=None,
        allow_none=True,
        validate=validate.Length(1, len(STRATEGIES)),
    )
    seconds = fields.Integer(load_default=None, allow_none=True, validate=validate.Range(1, 600))


class ExportSchema(BaseSchema):
    """`rate` in frames a second, from 1 to 120: "25", "30000/1001"."""

    rate = fields.String(required=True, validate=validate.Regexp(r"[0-9]{1,6}(/[0-9]{1,4})?\Z"))


class JoinQuerySchema(BaseSchema):
    exercise = fields.UUID(required=True, attribute="exercise_id")


class LikelyJoinsSchema(BaseSchema):
    """Groups of recordings that look like the parts of one, each in order."""

    items = fields.List(fields.List(fields.UUID()), required=True)


class DerivationSchema(BaseSchema):
    """What was asked for, and what became of it. `result`: of a join `recording_id`; of a cut `clip_set` and `clips`;
    of a copy the renditions `kind` and `map`."""

    id = fields.UUID(required=True)
    recording_id = fields.UUID(required=True)
    exercise_id = fields.UUID(required=True)
    kind = fields.String(required=True, validate=validate.OneOf(("join", "clips", "cfr")))
    parameters = fields.Dict(required=True)
    state = fields.String(required=True, validate=validate.OneOf(("open", "done", "failed")))
    reason_code = fields.String(required=True, allow_none=True)
    reason = fields.String(required=True, allow_none=True)
    result = fields.Dict(required=True, allow_none=True)
    created_at = fields.DateTime(required=True)
    ended_at = fields.DateTime(required=True, allow_none=True)
