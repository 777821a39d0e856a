"""Schemas refuse what they do not know, and text that the database cannot hold."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import ValidationError, fields
from webargs.multidictproxy import MultiDictProxy
from werkzeug.datastructures import MultiDict

from app.core.schema import BaseSchema, PageQuerySchema, Text, page_schema, refuse_unstorable

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


class ThingSchema(BaseSchema):
    name = fields.String(required=True)
    tags = fields.Raw()


@pytest.mark.parametrize(
    "value",
    [{"name": "a\x00"}, {"name": "a", "tags": ["b", {"c": ["\x00"]}]}, {"name": "a", "tags": {"\x00": 1}}],
)
def test_nul_is_refused_however_deep(value: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="U\\+0000"):
        ThingSchema().load(value)


@given(JSON)
def test_nul_is_found_exactly_where_it_is(value: Any) -> None:
    def holds(inner: Any) -> bool:
        if isinstance(inner, dict):
            return any(holds(key) or holds(item) for key, item in inner.items())
        return (
            any(map(holds, inner)) if isinstance(inner, list) else isinstance(inner, str) and "\x00" in inner
        )

    try:
        refuse_unstorable(value)
    except ValidationError:
        assert holds(value)
    else:
        assert not holds(value)


def test_nul_is_refused_in_a_query_string() -> None:
    query = MultiDictProxy(MultiDict([("name", "a"), ("name", "\x00")]), ThingSchema())
    assert ThingSchema().load(query) == {"name": "a"}
    with pytest.raises(ValidationError, match="U\\+0000"):
        ThingSchema().load(MultiDictProxy(MultiDict([("name", "a\x00")]), ThingSchema()))


class SaidSchema(BaseSchema):
    reason = Text(required=True, most=5)
    note = Text(allow_none=True, most=5)


@pytest.mark.parametrize("blank", ["", "   ", "\n\t", "\u00a0\u2003", "\u200b", " \ufeff "])
def test_words_that_say_nothing_are_refused(blank: str) -> None:
    with pytest.raises(ValidationError, match="must not be blank"):
        SaidSchema().load({"reason": blank})
    with pytest.raises(ValidationError, match="must not be blank"):
        SaidSchema().load({"reason": "x", "note": blank})


def test_words_are_taken_without_the_blanks_around_them() -> None:
    assert SaidSchema().load({"reason": "  a\nb c \n", "note": None}) == {"reason": "a\nb c", "note": None}
    with pytest.raises(ValidationError, match="1 to 5 characters"):
        SaidSchema().load({"reason": " abcdef "})


@pytest.mark.parametrize("broken", ["a\nb", "a\x1b[2Jb", "a\u2028b"])
def test_a_name_is_one_line(broken: str) -> None:
    class NamedSchema(BaseSchema):
        name = Text(required=True, most=9, one_line=True)

    assert NamedSchema().load({"name": " Åse\u00a0B \n"}) == {"name": "Åse\u00a0B"}
    with pytest.raises(ValidationError, match="one line"):
        NamedSchema().load({"name": broken})


def test_unknown_members_are_refused() -> None:
    with pytest.raises(ValidationError, match="Unknown field"):
        ThingSchema().load({"name": "a", "nmae": "b"})


def test_a_page_has_items_and_a_cursor() -> None:
    schema = page_schema(ThingSchema)
    assert schema.__name__ == "ThingPageSchema"
    assert schema().dump({"items": [{"name": "a"}], "next_cursor": None}) == {
        "items": [{"name": "a"}],
        "next_cursor": None,
    }
    for wrong in ({"limit": 0}, {"limit": 201}, {"cursor": "x" * 65}):
        with pytest.raises(ValidationError):
            PageQuerySchema().load(wrong)
