"""What the redaction API takes and gives."""

from __future__ import annotations

from typing import Any

from marshmallow import fields, post_load, validate

from app.core.schema import BaseSchema
from app.recordings.schemas import MAX_FRAME, Hex, KeyframeSchema, ProgressSchema
from app.redaction.regions import Wanted

KINDS = ("face", "screen", "plate", "voice", "other")
STYLES = ("blur", "mask", "mute", "voice_change")
DECISIONS = ("pending", "accepted", "rejected")
MAX_KEYFRAMES = 10_000


class RegionSchema(BaseSchema):
    """One region: frames are ordinals of the recording, `end_frame` exclusive; keyframes are null for a voice."""

    id = fields.UUID()
    kind = fields.String(validate=validate.OneOf(KINDS))
    source = fields.String(validate=validate.OneOf(("proposed", "drawn")))
    decision = fields.String(validate=validate.OneOf(DECISIONS))
    style = fields.String(validate=validate.OneOf(STYLES))
    start_frame = fields.Integer()
    end_frame = fields.Integer()
    start_pts = fields.Integer()
    end_pts = fields.Integer()
    keyframes = fields.List(fields.Nested(KeyframeSchema), allow_none=True)
    score = fields.Float(allow_none=True)


class RegionDrawSchema(BaseSchema):
    """A region that a person draws."""

    kind = fields.String(required=True, validate=validate.OneOf(KINDS))
    style = fields.String(required=True, validate=validate.OneOf(STYLES))
    start_frame = fields.Integer(required=True, strict=True, validate=validate.Range(0, MAX_FRAME))
    end_frame = fields.Integer(required=True, strict=True, validate=validate.Range(1, MAX_FRAME))
    keyframes = fields.List(
        fields.Nested(KeyframeSchema),
        load_default=None,
        allow_none=True,
        validate=validate.Length(max=MAX_KEYFRAMES),
    )

    @post_load
    def make(self, data: dict[str, Any], **_: Any) -> Wanted:
        return Wanted(**data)


class RegionChangeSchema(BaseSchema):
    """What to set of a region; what is left out stays."""

    decision = fields.String(validate=validate.OneOf(DECISIONS))
    style = fields.String(validate=validate.OneOf(STYLES))
    start_frame = fields.Integer(strict=True, validate=validate.Range(0, MAX_FRAME))
    end_frame = fields.Integer(strict=True, validate=validate.Range(1, MAX_FRAME))
    keyframes = fields.List(
        fields.Nested(KeyframeSchema), allow_none=True, validate=validate.Length(max=MAX_KEYFRAMES)
    )


class DecideSchema(BaseSchema):
    """One decision for every pending region, of one kind or of all."""

    decision = fields.String(required=True, validate=validate.OneOf(("accepted", "rejected")))
    kind = fields.String(load_default=None, allow_none=True, validate=validate.OneOf(KINDS))


class RedactionSchema(BaseSchema):
    """A redaction without its regions. `sha256` and `size` are the redacted master's; null without one. From the frame
    `uncovered_from` on proposals were not kept, for there were too many: look there yourself; null where all were."""

    id = fields.UUID()
    recording_id = fields.UUID()
    number = fields.Integer()
    state = fields.String()
    version = fields.Integer()
    reason = fields.String(allow_none=True)
    uncovered_from = fields.Integer(allow_none=True)
    approved_by = fields.UUID(allow_none=True)
    approved_at = fields.DateTime(allow_none=True)
    rendered_at = fields.DateTime(allow_none=True)
    size = fields.Integer(allow_none=True)
    sha256 = Hex(allow_none=True)
    created_at = fields.DateTime()


class RedactionDetailSchema(RedactionSchema):
    """With its regions in order of their first frame, and the progress of its present job."""

    regions = fields.List(fields.Nested(RegionSchema))
    progress = fields.Nested(ProgressSchema, allow_none=True)
