"""Files that one means to send, and what speaks against them."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, fields, post_load, validate

from app.core.schema import BaseSchema
from app.uploads.schemas import SentSchema, details_said
from app.uploads.vocabulary import DETAILS, MOST_NAME

MOST_BYTES = 2**63 - 1


class CandidateSchema(BaseSchema):
    """A file that one means to send. What is wrong with its name or `details` is said of that file and refuses no
    other."""

    filename = fields.String(required=True, validate=validate.Length(1, MOST_NAME))
    length = fields.Integer(required=True, strict=True, validate=validate.Range(0, MOST_BYTES))
    sha256 = fields.String(load_default=None, allow_none=True, validate=validate.Regexp(r"[0-9a-fA-F]{64}\Z"))
    details = fields.Dict(keys=fields.String(), load_default=dict)

    @post_load
    def _with_problems(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        digest = bytes.fromhex(data["sha256"]) if data["sha256"] else None
        problems = _problems_of(data["filename"], data.pop("details"))
        return data | {"sha256": digest, "problems": problems}


def _problems_of(filename: str, details: dict[str, Any]) -> list[tuple[str, str]]:
    found = [(name, "There is no such detail") for name in sorted(details.keys() - set(DETAILS))]
    try:
        details_said(details | {"filename": filename}, SentSchema)
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
    """`duplicate_of` is the force's own live recording of the same bytes: sending them again brings nothing.

    `length_known`: the force holds, or is sending, a file of just this length: its digest is worth asking about.
    """

    filename = fields.String(required=True)
    problems = fields.List(fields.Nested(ProblemOfFileSchema), required=True)
    duplicate_of = fields.UUID(allow_none=True, required=True)
    length_known = fields.Boolean(required=True)


class CheckedSchema(BaseSchema):
    """`quota_left` is in bytes. Nothing is reserved: another upload may take the room meanwhile."""

    quota_left = fields.Integer(required=True)
    files = fields.List(fields.Nested(CheckedFileSchema), required=True)
