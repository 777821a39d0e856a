"""The forms of a redaction's review: decisions, and what a person marks by hand in seconds and hundredths."""

from __future__ import annotations

import json
from typing import Any

from marshmallow import EXCLUDE, fields, validate

from app.core.schema import BaseSchema
from app.recordings.schemas import KeyframeSchema
from app.redaction.regions import Wanted, style_for
from app.redaction.schemas import KINDS, STYLES, DecideSchema
from app.web.forms import Form
from ingest.frames import Ledger

DECISIONS = ("accepted", "rejected", "removed")
MOST_SECONDS = 1_000_000


class DecideFormSchema(DecideSchema):
    class Meta:
        unknown = EXCLUDE


class RegionFormSchema(BaseSchema):
    class Meta:
        unknown = EXCLUDE

    decision = fields.String(required=True, validate=validate.OneOf(DECISIONS))
    style = fields.String(required=True, validate=validate.OneOf(STYLES))


class DrawFormSchema(BaseSchema):
    """Seconds and hundredths, as a person writes them; `keyframes` is what the script kept, as JSON."""

    class Meta:
        unknown = EXCLUDE

    kind = fields.String(required=True, validate=validate.OneOf(KINDS))
    style = fields.String(load_default="", validate=validate.OneOf(("", *STYLES)))
    start = fields.Float(
        required=True, data_key="from", allow_nan=False, validate=validate.Range(0, MOST_SECONDS)
    )
    stop = fields.Float(
        required=True, data_key="to", allow_nan=False, validate=validate.Range(0, MOST_SECONDS)
    )
    left, top, width, height = (
        fields.Float(load_default=None, allow_nan=False, validate=validate.Range(0, 100)) for _ in range(4)
    )
    keyframes = fields.String(load_default="")


def wanted_of(form: Form, data: dict[str, Any], ledger: Ledger) -> Wanted | None:
    """The region that a form describes; what is wrong is put into the form."""
    start, end = ledger.frame_at(data["start"]), ledger.frame_at(data["stop"]) + 1
    style = data["style"] or style_for(data["kind"])
    if data["kind"] == "voice":
        return Wanted("voice", style, start, end)
    keyframes = _keyframes(form, data, start)
    if not keyframes:
        return None
    return Wanted(data["kind"], style, keyframes[0]["frame"], end, keyframes)


def _keyframes(form: Form, data: dict[str, Any], start: int) -> list[dict[str, Any]]:
    if data["keyframes"]:
        try:
            kept: list[dict[str, Any]] = KeyframeSchema(many=True).load(json.loads(data["keyframes"]))
        except ValueError:  # marshmallow's errors are among them
            form.errors[""] = "The places that were drawn cannot be read: draw them again"
            return []
        return kept
    box = [data[part] for part in ("left", "top", "width", "height")]
    if None in box:
        form.errors["left"] = "draw the place, or fill in all four numbers"
        return []
    return [{"frame": start, "box": [value / 100 for value in box], "outside": False}]
