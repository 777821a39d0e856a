"""Alembic's environment: the models' metadata, one connection, and locks that give up rather than queue.

`lock_timeout` makes a migration fail fast instead of standing in front of live traffic; run it again then.
"""

from __future__ import annotations

import importlib
from pathlib import Path

from alembic import context
from sqlalchemy import create_engine, pool, text

import app
from app.core.db import Base

LOCK_TIMEOUT = "5s"
STATEMENT_TIMEOUT = "15min"
ADVISORY_LOCK = 0x636F72646F6E  # "cordon": two migrators take turns


def import_models() -> None:
    """Imports every feature's models so that the metadata is whole."""
    for models in sorted(Path(app.__file__).parent.glob("*/models.py")):
        importlib.import_module(f"app.{models.parent.name}.models")


def include_object(_object: object, name: str | None, kind: str, _reflected: bool, _other: object) -> bool:
    """Procrastinate's own tables are created by its own SQL: autogenerate leaves them alone."""
    return not (kind in ("table", "index") and (name or "").startswith("procrastinate_"))


def run() -> None:
    import_models()
    engine = create_engine(context.config.attributes["url"], poolclass=pool.NullPool)
    with engine.connect() as connection:
        connection.execute(text(f"SET lock_timeout = '{LOCK_TIMEOUT}'"))
        connection.execute(text(f"SET statement_timeout = '{STATEMENT_TIMEOUT}'"))
        connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": ADVISORY_LOCK})
        connection.commit()
        context.configure(
            connection=connection,
            target_metadata=Base.metadata,
            include_object=include_object,
            compare_type=True,
            transaction_per_migration=True,
        )
        with context.begin_transaction():
            context.run_migrations()


run()
