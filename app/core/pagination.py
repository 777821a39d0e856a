"""Keyset pagination: the cost of a page does not grow with the table, and no row is seen twice."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from uuid import UUID

from sqlalchemy import Select
from sqlalchemy.orm import InstrumentedAttribute, Session

from app.core.errors import InvalidRequest

T = TypeVar("T")
MAX_LIMIT = 200


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page, newest first; `next_cursor` is None on the last."""

    items: list[T]
    next_cursor: str | None


def encode_cursor(last: UUID) -> str:
    return base64.urlsafe_b64encode(last.bytes).rstrip(b"=").decode()


def decode_cursor(cursor: str) -> UUID:
    """Raises InvalidRequest for anything that this service did not issue."""
    try:
        return UUID(bytes=base64.b64decode(cursor + "==", altchars=b"-_", validate=True))
    except (binascii.Error, ValueError):
        raise InvalidRequest(
            "The cursor is not one that this service issued: start again without it"
        ) from None


def paginate(
    session: Session,
    query: Select[T],
    key: InstrumentedAttribute[UUID],
    *,
    cursor: str | None,
    limit: int,
) -> Page[T]:
    """Newest first by `key`, a UUIDv7 column; `limit` is capped at MAX_LIMIT rows."""
    limit = max(1, min(limit, MAX_LIMIT))
    if cursor:
        query = query.where(key < decode_cursor(cursor))
    rows: list[Any] = list(session.scalars(query.order_by(key.desc()).limit(limit + 1)))
    more = len(rows) > limit
    rows = rows[:limit]
    return Page(rows, encode_cursor(getattr(rows[-1], key.key)) if more else None)
