"""Emptying a test's database so that the next test may have it: making one costs the machine many times as much."""

from __future__ import annotations

from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

# Triggers that keep rows from being deleted, and foreign keys, do not apply to a replica.
_EMPTY = """
DO $$
DECLARE
    one text;
    filled boolean;
BEGIN
    SET LOCAL session_replication_role = replica;
    FOR one IN SELECT format('%I', tablename) FROM pg_tables
               WHERE schemaname = 'public' AND tablename <> 'alembic_version' LOOP
        EXECUTE 'SELECT EXISTS (SELECT FROM ' || one || ')' INTO filled;
        IF filled THEN
            EXECUTE 'DELETE FROM ' || one;
        END IF;
    END LOOP;
    PERFORM setval(format('%I.%I', schemaname, sequencename), start_value, false)
        FROM pg_sequences WHERE last_value IS NOT NULL;
END $$
"""
_SHAPE = """
SELECT md5(string_agg(line, E'\\n' ORDER BY line)) FROM (
    SELECT format('%s %s %s', tgrelid::regclass, tgname, tgenabled) AS line FROM pg_trigger
    UNION ALL SELECT format('%s %s %s %s', attrelid::regclass, attname, atttypid, attnotnull)
        FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid WHERE relnamespace = 'public'::regnamespace
    UNION ALL SELECT format('%s %s %s', conrelid::regclass, conname, convalidated) FROM pg_constraint
    UNION ALL SELECT format('%s %s', oid::regclass, relacl) FROM pg_class WHERE relnamespace = 'public'::regnamespace
    UNION ALL SELECT format('%s %s', proname, md5(prosrc)) FROM pg_proc WHERE pronamespace = 'public'::regnamespace
    UNION ALL SELECT version_num FROM alembic_version
    UNION ALL SELECT setconfig::text FROM pg_db_role_setting JOIN pg_database ON pg_database.oid = setdatabase
        WHERE datname = current_database()
) AS lines
"""
_ROWS = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version'"


def shape_of(url: str) -> str:
    """A digest of the schema of an empty, migrated database. Raises ValueError when it holds rows."""
    engine = create_engine(url, poolclass=NullPool)
    with engine.connect() as connection:
        for name in connection.scalars(text(_ROWS)).all():
            if connection.scalar(text(f'SELECT EXISTS (SELECT FROM "{name}")')):
                raise ValueError(f"the migrations leave rows in {name}: emptying would lose them")
        return _shape(connection)


def emptied(engine: Engine, shape: str) -> bool:
    """Remove every row, and end what is still at work; False where that cannot be done, or the schema is another."""
    if engine.pool.checkedout():  # type: ignore[attr-defined]
        engine.dispose()
    try:
        return _emptied(engine, shape)
    except DBAPIError:  # a role that may not do it, or a database that is gone: the caller makes another
        return False


def _emptied(engine: Engine, shape: str) -> bool:
    with engine.begin() as connection:
        connection.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "  # with a time to wait it takes 0.1 s
                "WHERE datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle'"
            )
        )
        if _shape(connection) != shape:
            return False
        connection.execute(text(_EMPTY))
    return True


def _shape(connection: Connection) -> str:
    return str(connection.scalar(text(_SHAPE)))
