"""What the annotation API takes and gives."""

from __future__ import annotations

from math import isfinite
from typing import Any

from marshmallow import ValidationError, fields, post_load, validate

from app.annotation.labels import MAX_ANNOTATIONS, Label
from app.core.schema import MOST_REASON, BaseSchema, PageQuerySchema, Text
from app.recordings.schemas import MAX_FRAME, KeyframeSchema

STATES = ("open", "in_progress", "submitted", "returned", "accepted")
MAX_ATTRIBUTES = 32
MAX_TEXT = 2_000


def _small(value: dict[str, Any]) -> None:
    if len(value) > MAX_ATTRIBUTES or not all(_plain(v) for v in value.values()):
        raise ValidationError(
            f"at most {MAX_ATTRIBUTES} attributes, each a text of at most {MAX_TEXT} characters, a number,"
            " true, false or null"
        )


def _plain(value: Any) -> bool:
    """JSON has neither NaN nor infinity, though Python's reader takes them; beyond 2**53 readers disagree."""
    if isinstance(value, str):
        return len(value) <= MAX_TEXT
    if isinstance(value, int | float):
        return isfinite(value) if isinstance(value, float) else abs(value) <= 2**53
    return value is None


class LabelSchema(BaseSchema):
    """One annotation: frames are ordinals of the recording, `end_frame` exclusive; PTS are given back, not taken."""

    id = fields.UUID(dump_only=True)
    kind = fields.String(required=True, validate=validate.OneOf(("event", "track", "tag")))
    label = fields.String(required=True, validate=validate.Length(1, 64))
    start_frame = fields.Integer(required=True, strict=True, validate=validate.Range(0, MAX_FRAME))
    end_frame = fields.Integer(required=True, strict=True, validate=validate.Range(1, MAX_FRAME))
    start_pts = fields.Integer(dump_only=True)
    end_pts = fields.Integer(dump_only=True)
    keyframes = fields.List(
        fields.Nested(KeyframeSchema),
        load_default=None,
        allow_none=True,
        validate=validate.Length(max=10_000),
    )
    attributes = fields.Dict(
        keys=fields.String(validate=validate.Length(1, 64)),
        values=fields.Raw(allow_none=True),
        load_default=dict,
        validate=_small,
    )

    @post_load
    def make(self, data: dict[str, Any], **_: Any) -> Label:
        return Label(**data)


class LabelSetSchema(BaseSchema):
    """The whole set: it replaces what was saved before."""

    annotations = fields.List(
        fields.Nested(LabelSchema), required=True, validate=validate.Length(max=MAX_ANNOTATIONS)
    )


class TaxonomySchema(BaseSchema):
    id = fields.UUID()
    name = fields.String()
    version = fields.String()
    definition = fields.Dict()


class ClipSchema(BaseSchema):
    """A clip: half-open frame interval of its recording, with the PTS in its time base."""

    id = fields.UUID()
    recording_id = fields.UUID()
    ordinal = fields.Integer()
    start_frame = fields.Integer()
    end_frame = fields.Integer()
    start_pts = fields.Integer()
    end_pts = fields.Integer()
    seconds = fields.Float()


class TaskSchema(BaseSchema):
    id = fields.UUID()
    clip = fields.Nested(ClipSchema)
    quota = fields.Integer()
    state = fields.String()
    created_at = fields.DateTime()


class AssignmentSchema(BaseSchema):
    id = fields.UUID()
    state = fields.String()
    version = fields.Integer()
    person_id = fields.UUID()
    clip = fields.Pluck(TaskSchema, "clip", attribute="task")
    return_reason = fields.String(allow_none=True)
    submitted_at = fields.DateTime(allow_none=True)
    reviewed_at = fields.DateTime(allow_none=True)
    created_at = fields.DateTime()


class AssignmentDetailSchema(AssignmentSchema):
    """With the labels and the taxonomy they are drawn from."""

    taxonomy = fields.Nested(TaxonomySchema, attribute="task.taxonomy")
    annotations = fields.List(fields.Nested(LabelSchema))


class AssignmentQuerySchema(PageQuerySchema):
    state = fields.String(load_default=None, validate=validate.OneOf(STATES))


class TaskQuerySchema(PageQuerySchema):
    state = fields.String(load_default=None, validate=validate.OneOf(("open", "labelled")))


class IncidentReportSchema(BaseSchema):
    """Why the clip may be no training."""

    reason = Text(required=True, most=MOST_REASON)


class ReturnSchema(BaseSchema):
    reason = Text(required=True, least=3, most=MOST_REASON)
