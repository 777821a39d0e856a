"""Runs the SQL scripts that a revision froze beside itself: functions, triggers, another package's tables.

The text lies in `migrations/sql/`, not in the code that uses it: a released migration must not change with the code.
"""

from __future__ import annotations

from pathlib import Path

import psycopg
from sqlalchemy import Connection

SCRIPTS = Path(__file__).resolve().parent / "sql"


def run_script(connection: Connection, name: str) -> None:
    """Runs `migrations/sql/<name>` in the connection's transaction. Raises TypeError for another driver."""
    driver = connection.connection.driver_connection
    if not isinstance(driver, psycopg.Connection):
        raise TypeError("the migrations need psycopg 3")
    driver.execute((SCRIPTS / name).read_bytes())  # without parameters: several statements, and % stays %
