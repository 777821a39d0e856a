"""What the recordings API takes and gives."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, fields, post_load, validate

from app.core.schema import BaseSchema, PageQuerySchema
from app.core.search import MOST_TEXT
from app.uploads.schemas import DetailsSchema, details_said
from app.uploads.vocabulary import DETAILS
from ingest.segmentation.plan import PLANS

MAX_FRAME = 2**31 - 1
MOST_BYTES = 2**63 - 1
MOST_NAME = 1000
STRATEGIES = tuple(name for name in PLANS if name != "manual")
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
    reason = fields.String(required=True, validate=validate.Length(1, 2000))


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


class ProgressSchema(BaseSchema):
    """`done` of `total` counts `unit`s of the present step; `eta_seconds` is null where the pace tells nothing yet."""

    step = fields.String(required=True)
    done = fields.Float(required=True)
    total = fields.Float(allow_none=True)
    unit = fields.String(required=True)
    attempt = fields.Integer(required=True)
    updated_at = fields.DateTime(required=True)
    eta_seconds = fields.Float(allow_none=True)


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


class CandidateSchema(BaseSchema):
    """A file that one means to send. What is wrong with `details` is said of that file and refuses no other."""

    filename = fields.String(required=True, validate=validate.Length(1, MOST_NAME))
    length = fields.Integer(required=True, strict=True, validate=validate.Range(0, MOST_BYTES))
    sha256 = fields.String(load_default=None, allow_none=True, validate=validate.Regexp(r"[0-9a-fA-F]{64}\Z"))
    details = fields.Dict(keys=fields.String(), load_default=dict)

    @post_load
    def _with_problems(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        digest = bytes.fromhex(data["sha256"]) if data["sha256"] else None
        return data | {"sha256": digest, "problems": _problems_of(data.pop("details"))}


def _problems_of(details: dict[str, Any]) -> list[tuple[str, str]]:
    found = [(name, "There is no such detail") for name in sorted(details.keys() - set(DETAILS))]
    try:
        details_said(details)
    except ValidationError as error:
        messages: dict[str, Any] = error.normalized_messages()  # type: ignore[no-untyped-call]
        found += [(name, " ".join(map(str, texts))) for name, texts in messages.items()]
    return found


class CheckSchema(BaseSchema):
    exercise_id = fields.UUID(required=True)
    files = fields.List(fields.Nested(CandidateSchema), required=True, validate=validate.Length(1, 1000))


class ProblemOfFileSchema(BaseSchema):
    field = fields.String(required=True)
    message = fields.String(required=True)


class CheckedFileSchema(BaseSchema):
    """`duplicate_of` is the force's own live recording of the same bytes: sending them again brings nothing."""

    filename = fields.String(required=True)
    problems = fields.List(fields.Nested(ProblemOfFileSchema), required=True)
    duplicate_of = fields.UUID(allow_none=True, required=True)


class CheckedSchema(BaseSchema):
    """`quota_left` is in bytes. Nothing is reserved: another upload may take the room meanwhile."""

    quota_left = fields.Integer(required=True)
    files = fields.List(fields.Nested(CheckedFileSchema), required=True)
