"""Procrastinate's own tables, as the migrations apply them.

The SQL is that of Procrastinate 3.10. An upgrade whose SCHEMA_SHA256 differs needs an Alembic revision with the
scripts that Procrastinate ships between the two versions (`SchemaManager.get_migrations_path()`);
a test holds the hash.
"""

from __future__ import annotations

import psycopg
from procrastinate.schema import SchemaManager
from sqlalchemy import Connection

SCHEMA_SHA256 = "c70ec4b400a60ad9592787653aae5ae77ae41bf801d56b5bd2712751a07f2009"
DROP = """
DROP TABLE IF EXISTS procrastinate_events, procrastinate_periodic_defers, procrastinate_jobs, procrastinate_workers
    CASCADE;
DO $$ DECLARE found record; BEGIN
    FOR found IN SELECT oid::regprocedure AS signature FROM pg_proc
        WHERE proname LIKE 'procrastinate\\_%' AND pronamespace = current_schema()::regnamespace
    LOOP EXECUTE 'DROP FUNCTION ' || found.signature || ' CASCADE'; END LOOP;
END $$;
DROP TYPE IF EXISTS procrastinate_job_to_defer_v1, procrastinate_job_event_type, procrastinate_job_status;
"""


def schema_sql() -> str:
    """Everything that Procrastinate needs, as one script."""
    return SchemaManager.get_schema()


def create_schema(connection: Connection) -> None:
    """Runs the script in the connection's transaction: `create_schema(op.get_bind())`."""
    _run_script(connection, schema_sql())


def drop_schema(connection: Connection) -> None:
    """Removes all of it, jobs included."""
    _run_script(connection, DROP)


def _run_script(connection: Connection, script: str) -> None:
    driver = connection.connection.driver_connection
    if not isinstance(driver, psycopg.Connection):
        raise TypeError("the schema needs psycopg 3")
    driver.execute(script.encode())  # without parameters: several statements, and % stays %
