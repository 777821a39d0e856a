"""Brings a database to the newest schema, or back; the same way for `cordon init`, tests and operators."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg

if TYPE_CHECKING:
    from alembic.config import Config

MIGRATIONS = Path(__file__).resolve().parents[2] / "migrations"
FILE_NAMES = "%%(year)d%%(month).2d%%(day).2d_%%(hour).2d%%(minute).2d_%%(rev)s_%%(slug)s"
_REVISION = re.compile(r"^(down_)?revision = ['\"](\w+)['\"]$", re.MULTILINE)


def alembic_config(url: str) -> Config:
    """Alembic's configuration for one database; no ini file is needed."""
    from alembic.config import Config  # a warm start has no use for Alembic

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("file_template", FILE_NAMES)
    config.attributes["url"] = url
    return config


def upgrade(url: str, revision: str = "head") -> None:
    """Migrates up to `revision`. A no-op where the database is there already."""
    from alembic import command

    command.upgrade(alembic_config(url), revision)


def downgrade(url: str, revision: str) -> None:
    """Migrates down to `revision`; "base" is the empty database."""
    from alembic import command

    command.downgrade(alembic_config(url), revision)


def head() -> str:
    """The newest revision there is a migration for: the one that no other follows."""
    marks = [
        m for path in (MIGRATIONS / "versions").glob("*.py") for m in _REVISION.findall(path.read_text())
    ]
    (newest,) = {name for down, name in marks if not down} - {name for down, name in marks if down}
    return str(newest)


def current(url: str) -> str | None:
    """The revision that the database is at; None before the first. Raises psycopg.OperationalError."""
    with psycopg.connect(url.replace("+psycopg", "", 1), connect_timeout=10) as connection:
        try:
            row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        except psycopg.errors.UndefinedTable:
            return None
    return str(row[0]) if row else None
