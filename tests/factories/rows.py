"""One valid row in every table, made from the models alone, so that a new table is covered when it appears."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, Connection, Table, insert, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.types import Date, DateTime, LargeBinary, Uuid

from app.core.db import Base

SAME_ID = UUID(int=1)  # every row has it, so that every foreign key finds its row
PLACEHOLDERS: dict[type, Any] = {str: "x", int: 1, float: 1.0, bool: True, bytes: b"\x01" * 32}
# What a CHECK asks beyond a listed value: {table.column: value}.
ASKED: dict[str, Any] = {
    "agreements.ends_on": date(2031, 1, 1),
    "data_keys.wrapped": b"\x01" * 32,
    "audit_events.subject_kind": None,
    "audit_events.subject_id": None,
    "audit_events.leaf_index": None,
    "annotations.end_frame": 2,
    "clips.end_frame": 2,
    "recording_parts.end_frame": 2,
    "redaction_regions.end_frame": 2,
    "uploads.offset": 0,
}


def fill_every_table(connection: Connection) -> None:
    """Writes one row into each of the models' tables, and one waiting job."""
    for table in Base.metadata.sorted_tables:
        connection.execute(insert(table).values(row_for(table)))
    connection.execute(
        text(
            "INSERT INTO procrastinate_jobs (task_name, queue_name) VALUES ('recordings.normalise', 'recordings')"
        )
    )


def row_for(table: Table) -> dict[str, Any]:
    """Values for the columns that must have one."""
    return {
        column.name: ASKED.get(f"{table.name}.{column.name}", _value(table, column))
        for column in table.columns
        if not column.nullable or f"{table.name}.{column.name}" in ASKED
    }


def _value(table: Table, column: Column[Any]) -> Any:
    if (listed := _listed(table, column)) is not None:
        return listed
    kind = column.type
    if isinstance(kind, Uuid):
        return SAME_ID
    if isinstance(kind, LargeBinary):
        return b"\x01" * 32
    if isinstance(kind, DateTime):
        return datetime(2030, 1, 1, tzinfo=UTC)
    if isinstance(kind, Date):
        return date(2030, 1, 1)
    if isinstance(kind, JSONB):
        return {}
    if isinstance(kind, ARRAY):
        return []
    return PLACEHOLDERS[kind.python_type]


def _listed(table: Table, column: Column[Any]) -> str | None:
    """The first of the values that a CHECK lists for the column."""
    for constraint in table.constraints:
        if isinstance(constraint, CheckConstraint):
            found = re.search(rf"\b{column.name} IN \('([^']+)'", str(constraint.sqltext))
            if found:
                return found[1]
    return None
