"""Keyset pages: every row once, in order, whatever is added meanwhile; cursors of strangers are refused."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from app.accounts.models import Organisation
from app.core.db import Database
from app.core.errors import InvalidRequest
from app.core.pagination import MAX_LIMIT, decode_cursor, encode_cursor, paginate
from tests.factories.accounts import make_organisation


@given(st.uuids())
def test_a_cursor_leads_back_to_its_id(value: UUID) -> None:
    assert decode_cursor(encode_cursor(value)) == value


@given(st.text(max_size=64))
def test_any_other_text_is_refused_or_an_id(text: str) -> None:
    try:
        found = decode_cursor(text)
    except InvalidRequest:
        return
    assert isinstance(found, UUID)


def test_pages_hold_every_row_once_newest_first(database: Database) -> None:
    with database.transaction() as session:
        made = [make_organisation(session).id for _ in range(7)]
    seen: list[UUID] = []
    cursor, pages = None, 0
    with database.transaction() as session:
        while True:
            page = paginate(session, select(Organisation), Organisation.id, cursor=cursor, limit=3)
            seen += [row.id for row in page.items]
            pages += 1
            make_organisation(session)  # newer than the first page: must not shift the others
            if (cursor := page.next_cursor) is None:
                break
    assert (seen, pages) == (made[::-1], 3)


@pytest.mark.parametrize(("limit", "rows"), [(0, 1), (-5, 1), (MAX_LIMIT + 1, 3)])
def test_the_limit_is_bounded(database: Database, limit: int, rows: int) -> None:
    with database.transaction() as session:
        for _ in range(3):
            make_organisation(session)
        assert (
            len(paginate(session, select(Organisation), Organisation.id, cursor=None, limit=limit).items)
            == rows
        )
