"""The base of all schemas: unknown members are refused, never ignored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import INCLUDE, RAISE, Schema, ValidationError, fields, pre_load, validate

from app.core.pagination import MAX_LIMIT


def refuse_nul(value: Any) -> None:
    """Raises ValidationError when any string inside `value` holds U+0000, which PostgreSQL text cannot."""
    if isinstance(value, str) and "\x00" in value:
        raise ValidationError("must not contain the character U+0000")
    if isinstance(value, Mapping):  # a query string is no dict
        for key in value:
            refuse_nul(key)
            refuse_nul(value[key])
    elif isinstance(value, list | tuple):
        for inner in value:
            refuse_nul(inner)


class BaseSchema(Schema):
    """Schema of a request body or a response."""

    class Meta:
        unknown = RAISE

    @pre_load
    def _refuse_nul(self, data: Any, **_: Any) -> Any:
        refuse_nul(data)
        return data


class PageQuerySchema(BaseSchema):
    """`?cursor=…&limit=…` of every list."""

    cursor = fields.String(load_default=None, validate=validate.Length(max=64))
    limit = fields.Integer(load_default=50, validate=validate.Range(1, MAX_LIMIT))


def page_schema(item: type[Schema]) -> type[BaseSchema]:
    """The schema of a page of `item`: {"items": […], "next_cursor": …}."""
    name = item.__name__.removesuffix("Schema") + "PageSchema"
    return type(
        name,
        (BaseSchema,),
        {
            "items": fields.List(fields.Nested(item), required=True),
            "next_cursor": fields.String(allow_none=True),
        },
    )


class ProblemSchema(Schema):
    """RFC 9457 problem details; a kind of problem may have members of its own."""

    class Meta:
        unknown = INCLUDE

    type = fields.String(required=True)
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    detail = fields.String()
    instance = fields.String()
    request_id = fields.String()
    errors = fields.Dict(metadata={"description": "for each offending member, what is wrong with it"})
