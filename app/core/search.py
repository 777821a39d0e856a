"""Looking for words in a column that a trigram index serves (PostgreSQL's pg_trgm), and making that extension."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import DDL, ColumnElement, event
from sqlalchemy.orm import InstrumentedAttribute

from app.core.db import Base

MOST_TEXT: Final = 200
MOST_WORDS: Final = 8
EXTENSION: Final = "CREATE EXTENSION IF NOT EXISTS pg_trgm"

event.listen(Base.metadata, "before_create", DDL(EXTENSION))  # type: ignore[no-untyped-call]


def holds_words(column: InstrumentedAttribute[Any], text: str | None) -> list[ColumnElement[bool]]:
    """One condition a word of `text` (at most MOST_WORDS of them): the lower-case column holds it, anywhere."""
    words = (text or "").lower().split()[:MOST_WORDS]
    return [column.contains(word, autoescape=True) for word in words]
