"""Recordings as the API takes and gives them."""

from __future__ import annotations

from typing import Any

from marshmallow import fields, validate

from app.core.schema import MOST_REASON, BaseSchema, PageQuerySchema, Text
from app.core.search import MOST_TEXT
from app.uploads.schemas import DetailsSchema

MAX_FRAME = 2**31 - 1
STATES = ("processing", "ready", "rejected", "quarantined", "withdrawn", "erased")


class Hex(fields.String):
    """Bytes as lower-case hexadecimal digits."""

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> str | None:  # noqa: ARG002
        return None if value is None else bytes(value).hex()


class RecordingQuerySchema(PageQuerySchema):
    exercise = fields.UUID(load_default=None, attribute="exercise_id")
    state = fields.String(load_default=None, validate=validate.OneOf(STATES))
    q = fields.String(load_default=None, attribute="text", validate=validate.Length(max=MOST_TEXT))
    since = fields.Date(load_default=None)
    until = fields.Date(load_default=None)


class ManyDetailsSchema(BaseSchema):
    """The same said of several recordings: of all, or of none."""

    ids = fields.List(fields.UUID(), required=True, validate=validate.Length(1, 1000))
    changes = fields.Nested(DetailsSchema, required=True)


class WithdrawSchema(BaseSchema):
    reason = Text(required=True, most=MOST_REASON)


class RecordingSchema(BaseSchema):
    """Facts are null until it is ready. `started_at` is the camera's own time, `clock_offset_seconds` its clock
    minus true time, `corrected_start` the difference (null unless both are known), `received_at` the server's time.
    `details_version` is the ETag to change the details with.
    """

    id = fields.UUID(required=True)
    exercise_id = fields.UUID(required=True)
    upload_id = fields.UUID(required=True, allow_none=True)  # null for what was joined from others
    part_of_id = fields.UUID(allow_none=True)
    filename = fields.String(required=True)
    sha256 = Hex(required=True)
    size = fields.Integer(required=True)
    state = fields.String(required=True, validate=validate.OneOf(STATES))
    reason_code = fields.String(allow_none=True)
    reason = fields.String(allow_none=True)
    camera = fields.String(allow_none=True)
    started_at = fields.DateTime(allow_none=True, attribute="camera_started_at")
    clock_offset_seconds = fields.Float(allow_none=True, attribute="camera_offset_seconds")
    corrected_start = fields.DateTime(allow_none=True, dump_only=True)
    viewpoint = fields.String(allow_none=True)
    reference = fields.String(allow_none=True)
    notes = fields.String(allow_none=True)
    details_version = fields.Integer(required=True)
    received_at = fields.DateTime(required=True)
    ready_at = fields.DateTime(allow_none=True)
    frame_count = fields.Integer(allow_none=True)
    time_base_num = fields.Integer(allow_none=True)
    time_base_den = fields.Integer(allow_none=True)
    duration_seconds = fields.Float(allow_none=True)
    width = fields.Integer(allow_none=True)
    height = fields.Integer(allow_none=True)
    has_audio = fields.Boolean(allow_none=True)


class MachineWaitSchema(BaseSchema):
    """Since when a job waits for the machine, and for what: `store-unavailable`, `disk-full`, `database-unavailable`,
    `out-of-memory`, or `machine-fault` for anything else."""

    since = fields.DateTime(required=True)
    why = fields.String(required=True)


class WaitingSchema(BaseSchema):
    """That no job works on it just now: `before` counts the jobs that are due before its next one, up to 1,000."""

    before = fields.Integer(required=True)
    machine = fields.Nested(MachineWaitSchema, required=True, allow_none=True)


class ProgressSchema(BaseSchema):
    """`done` of `total` counts `unit`s of the present step; `eta_seconds`, of work, is null where the pace tells
    nothing yet; `waiting` is null while a job works on it."""

    step = fields.String(required=True)
    done = fields.Float(required=True)
    total = fields.Float(allow_none=True)
    unit = fields.String(required=True)
    attempt = fields.Integer(required=True)
    updated_at = fields.DateTime(required=True)
    eta_seconds = fields.Float(allow_none=True)
    waiting = fields.Nested(WaitingSchema, allow_none=True)


class SuggestionSchema(BaseSchema):
    """What the file's telemetry claims; `clock` is whose time `started_at` is."""

    started_at = fields.DateTime(required=True, allow_none=True)
    clock = fields.String(required=True, allow_none=True, validate=validate.OneOf(("gps", "container")))
    camera = fields.String(required=True, allow_none=True)
    serial = fields.String(required=True, allow_none=True)


class PartSchema(BaseSchema):
    """A recording that this one was joined from, and which frames [start_frame, end_frame) of this one are its."""

    recording_id = fields.UUID(required=True, attribute="part.id")
    filename = fields.String(required=True, attribute="part.filename")
    sha256 = Hex(required=True, attribute="part.sha256")
    start_frame = fields.Integer(required=True)
    end_frame = fields.Integer(required=True)


class RecordingDetailSchema(RecordingSchema):
    """`suggestion` is for the force's data officers alone."""

    clips = fields.Integer(required=True)
    clip_set = fields.Integer(required=True)
    parts = fields.List(fields.Nested(PartSchema), required=True)
    suggestion = fields.Nested(SuggestionSchema, required=True, allow_none=True)
    renditions = fields.List(fields.String(), required=True)
    progress = fields.Nested(ProgressSchema, allow_none=True)
    report = fields.Dict(allow_none=True)


def _stretches() -> fields.List[Any]:
    """Frames [start, end) of one recording, each as a pair."""
    return fields.List(fields.List(fields.Integer(), validate=validate.Length(equal=2)), required=True)


class DuplicateSchema(BaseSchema):
    """`share` of this recording's frames is in the other one, `other_share` of the other's in this one."""

    recording_id = fields.UUID(required=True, attribute="other.id")
    filename = fields.String(required=True, attribute="other.filename")
    exercise_id = fields.UUID(required=True, attribute="other.exercise_id")
    kind = fields.String(required=True, validate=validate.OneOf(("exact", "near")))
    share = fields.Float(required=True)
    other_share = fields.Float(required=True)
    stretches = _stretches()
    other_stretches = _stretches()


class DuplicatesSchema(BaseSchema):
    """`none`: never hashed. `comparing`: the comparison with all other recordings has not ended yet."""

    state = fields.String(required=True, validate=validate.OneOf(("none", "comparing", "compared")))
    found = fields.List(fields.Nested(DuplicateSchema), required=True)


class RecordingClipSchema(BaseSchema):
    """Frames are half-open and count from 0; PTS are in the recording's time base. `reasons` say why the clip was cut
    so; `eventful` is false where somebody looked and noticed nothing in it."""

    id = fields.UUID(required=True)
    recording_id = fields.UUID(required=True)
    clip_set = fields.Integer(required=True)
    ordinal = fields.Integer(required=True)
    start_frame = fields.Integer(required=True)
    end_frame = fields.Integer(required=True)
    start_pts = fields.Integer(required=True)
    end_pts = fields.Integer(required=True)
    seconds = fields.Float(required=True)
    eventful = fields.Boolean(required=True)
    reasons = fields.List(fields.String(), required=True)
    size = fields.Integer(required=True)
    sha256 = Hex(required=True)


class KeyframeSchema(BaseSchema):
    """A box at one frame: [x, y, width, height], each from 0 to 1 of the picture."""

    frame = fields.Integer(required=True, strict=True, validate=validate.Range(0, MAX_FRAME))
    box = fields.List(
        fields.Float(allow_nan=False, validate=validate.Range(0, 1)),
        required=True,
        validate=validate.Length(4, 4),
    )
    outside = fields.Boolean(load_default=False)


class FrameListSchema(BaseSchema):
    """Rows of the frame ledger: frame i of the list is `start_frame + i` of the recording.

    `pts` are integers in units of time_base_num/time_base_den seconds; `end_pts` is where the last frame ends.
    """

    start_frame = fields.Integer()
    time_base_num = fields.Integer()
    time_base_den = fields.Integer()
    pts = fields.List(fields.Integer())
    end_pts = fields.Integer()
