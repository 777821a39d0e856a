"""The database: what its errors say."""

from __future__ import annotations

import traceback

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DataError, IntegrityError

from app.core.db import Database

VALUE = "a note about an officer"


def run(database: Database, table: str, statement: str) -> None:
    with database.transaction() as session:
        session.execute(text(f"CREATE TEMPORARY TABLE notes ({table}) ON COMMIT DROP"))
        session.execute(text(statement), {"note": VALUE})


@pytest.mark.parametrize(
    ("table", "statement", "kind", "said"),
    [
        ("note text UNIQUE", "INSERT INTO notes VALUES (:note), (:note)", IntegrityError, "unique"),
        ("note text, n int CHECK (n > 0)", "INSERT INTO notes VALUES (:note, -1)", IntegrityError, "check"),
        ("note text, n int", "INSERT INTO notes SELECT :note, 1 / 0", DataError, "division by zero"),
        (
            "n int",
            "INSERT INTO notes SELECT CAST(CAST(:note AS text) AS int)",
            DataError,
            "invalid input syntax",
        ),
        ("n date", "INSERT INTO notes SELECT CAST(CAST(:note AS text) AS date)", DataError, "type date"),
        (
            "note text UNIQUE DEFERRABLE INITIALLY DEFERRED",  # seen when the transaction commits
            "INSERT INTO notes VALUES (:note), (:note)",
            IntegrityError,
            "unique",
        ),
    ],
)
def test_an_error_says_what_is_wrong_and_no_value(
    database: Database, table: str, statement: str, kind: type[Exception], said: str
) -> None:
    """Not in itself, nor in what caused it: both are logged."""
    with pytest.raises(kind, match=said) as caught:
        run(database, table, statement)
    assert VALUE not in "".join(traceback.format_exception(caught.value))
