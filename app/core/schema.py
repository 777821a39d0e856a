"""The base of all schemas: unknown members are refused, never ignored."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from marshmallow import INCLUDE, RAISE, Schema, ValidationError, fields, pre_load, validate

from app.core.pagination import MAX_LIMIT

MOST_REASON: Final = 2000  # characters of why somebody decided something


def refuse_unstorable(value: Any) -> None:
    """Raises ValidationError when any string inside `value` holds what PostgreSQL text cannot: U+0000, or half of a
    surrogate pair, which JSON can write and no encoding of Unicode has."""
    waiting = [value]  # a list and no recursion: how deep it goes is the sender's choice
    while waiting:
        found = waiting.pop()
        if isinstance(found, str):
            _refuse_text(found)
        elif isinstance(found, Mapping):  # a query string is no dict
            for key in found:
                waiting += (key, found[key])
        elif isinstance(found, list | tuple):
            waiting += found


def _refuse_text(text: str) -> None:
    if "\x00" in text:
        raise ValidationError("must not contain the character U+0000")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValidationError("must be Unicode: it holds half of a surrogate pair") from None


class BaseSchema(Schema):
    """Schema of a request body or a response."""

    class Meta:
        unknown = RAISE

    @pre_load
    def _refuse_unstorable(self, data: Any, **_: Any) -> Any:
        refuse_unstorable(data)
        return data


def breaks_lines(text: str) -> bool:
    """True where a character of it breaks a line or controls a terminal: it has no place in a name or a title."""
    return any(unicodedata.category(character) in ("Cc", "Zl", "Zp") for character in text)


def _one_line(text: str) -> None:
    if breaks_lines(text):
        raise ValidationError("must be one line, without control characters")


class Text(fields.String):
    """Words of a person: from `least` to `most` characters, without the blanks around them. What shows nothing at all
    (spaces, line breaks, characters without width) is no answer. `one_line`: nothing breaks or controls it."""

    def __init__(self, *, most: int, least: int = 1, one_line: bool = False, **more: Any) -> None:
        error = "must have {min} to {max} characters, not counting blanks around them"
        bounds = validate.Length(least, most, error=error)
        super().__init__(validate=[bounds, _one_line] if one_line else bounds, **more)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        text = super()._deserialize(value, attr, data, **kwargs).strip()
        if not any(character.isprintable() and not character.isspace() for character in text):
            raise ValidationError("must not be blank")
        return text


class PageQuerySchema(BaseSchema):
    """`?cursor=…&limit=…` of every list."""

    cursor = fields.String(load_default=None, validate=validate.Length(max=64))
    limit = fields.Integer(load_default=50, validate=validate.Range(1, MAX_LIMIT))


@cache
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
