"""The database: one declarative base, one naming convention, one way to open a transaction.

`commit()` is called here and nowhere else: a state change, its audit row and its job are one transaction.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import psycopg
from sqlalchemy import DateTime, Engine, ExceptionContext, MetaData, Text, create_engine, event
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Session, mapped_column

from app.core.clock import now
from app.core.ids import new_id

NAMING_CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

IdPk = Annotated[UUID, mapped_column(primary_key=True, default=new_id)]
CreatedAt = Annotated[datetime, mapped_column(default=now)]
Json = Annotated[dict[str, Any], mapped_column(JSONB)]


class Base(DeclarativeBase):
    """Base of every model. Times are aware; strings are TEXT (PostgreSQL gains nothing from VARCHAR(n))."""

    metadata = MetaData(naming_convention=NAMING_CONVENTION)
    type_annotation_map = {datetime: DateTime(timezone=True), str: Text(), dict[str, Any]: JSONB}


class Database:
    """One process's connection pool."""

    def __init__(self, url: str, *, pool_size: int = 8) -> None:
        self.engine: Engine = create_engine(
            url,
            pool_size=pool_size,
            max_overflow=8,
            pool_pre_ping=True,
            hide_parameters=True,  # in what errors say: that is logged, and kept with jobs that wait
            connect_args={"application_name": "cordon"},
        )
        event.listen(self.engine, "handle_error", _hide_values)

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """Opens a session; commits at the end, rolls back on any exception. Never nested."""
        with Session(self.engine, expire_on_commit=False) as session:
            yield session
            session.commit()

    def dispose(self) -> None:
        """Closes every pooled connection."""
        self.engine.dispose()


def _hide_values(context: ExceptionContext) -> None:
    """Leaves PostgreSQL's own sentence of an error, without the detail, which holds keys and whole rows, and without
    the value that a sentence of class 22 (data exception) ends with."""
    original, wrapped = context.original_exception, context.sqlalchemy_exception
    if isinstance(original, psycopg.Error) and original.diag.message_primary:
        said = original.diag.message_primary
        if (original.sqlstate or "").startswith("22"):
            said = said.partition('"')[0].rstrip(" :")
        original.args = (said,)
        if wrapped is not None:
            wrapped.args = (f"({type(original).__name__}) {said}",)
