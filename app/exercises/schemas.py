"""What the exercises API takes and gives."""

from __future__ import annotations

from datetime import date, timedelta

from marshmallow import ValidationError, fields, validate

from app.core.clock import now
from app.core.schema import BaseSchema, PageQuerySchema, Text
from app.core.search import MOST_TEXT
from app.exercises.vocabulary import LIGHTING, RETENTION_CATEGORIES, VENUES, WEAPONS

MOST_TITLE, MOST_WORDS = 200, 4000  # characters
_weapons = validate.And(validate.Length(1, len(WEAPONS)), validate.ContainsOnly(list(WEAPONS)))
STATES = ("open", "closed")
EARLIEST = date(1950, 1, 1)


def _day_held(day: date) -> None:
    """Up to tomorrow: where the force is, it may be that already."""
    if not EARLIEST <= day <= now().date() + timedelta(days=1):
        raise ValidationError(f"must be a day from {EARLIEST} to tomorrow")


class ExerciseQuerySchema(PageQuerySchema):
    q = fields.String(load_default=None, attribute="text", validate=validate.Length(max=MOST_TEXT))
    state = fields.String(load_default=None, validate=validate.OneOf(STATES))


class ExerciseCreateSchema(BaseSchema):
    title = Text(required=True, most=MOST_TITLE, one_line=True)
    held_on = fields.Date(required=True, validate=_day_held)
    venue = fields.String(required=True, validate=validate.OneOf(list(VENUES)))
    scenario = Text(required=True, most=MOST_WORDS)
    weapons = fields.List(
        fields.String(validate=validate.OneOf(list(WEAPONS))), required=True, validate=_weapons
    )
    lighting = fields.String(required=True, validate=validate.OneOf(list(LIGHTING)))
    lawful_basis = Text(load_default=None, allow_none=True, most=MOST_WORDS)
    consent_record = Text(load_default=None, allow_none=True, most=MOST_WORDS)
    retention_category = fields.String(required=True, validate=validate.OneOf(list(RETENTION_CATEGORIES)))


class ExerciseChangeSchema(BaseSchema):
    """Only the members that change."""

    title = Text(most=MOST_TITLE, one_line=True)
    held_on = fields.Date(validate=_day_held)
    venue = fields.String(validate=validate.OneOf(list(VENUES)))
    scenario = Text(most=MOST_WORDS)
    weapons = fields.List(fields.String(validate=validate.OneOf(list(WEAPONS))), validate=_weapons)
    lighting = fields.String(validate=validate.OneOf(list(LIGHTING)))
    lawful_basis = Text(allow_none=True, most=MOST_WORDS)
    consent_record = Text(allow_none=True, most=MOST_WORDS)
    retention_category = fields.String(validate=validate.OneOf(list(RETENTION_CATEGORIES)))


class ExerciseSchema(BaseSchema):
    id = fields.UUID(required=True)
    organisation_id = fields.UUID(required=True)
    title = fields.String(required=True)
    held_on = fields.Date(required=True)
    venue = fields.String(required=True)
    scenario = fields.String(required=True)
    weapons = fields.List(fields.String(), required=True)
    lighting = fields.String(required=True)
    lawful_basis = fields.String(allow_none=True)
    consent_record = fields.String(allow_none=True)
    retention_category = fields.String(required=True)
    state = fields.String(required=True, validate=validate.OneOf(STATES))
    version = fields.Integer(required=True)
    created_at = fields.DateTime(required=True)
    closed_at = fields.DateTime(allow_none=True)
