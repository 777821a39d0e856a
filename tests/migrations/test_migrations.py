"""The migrations: up and down with data in every table, equal to the models, and never queueing behind traffic."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, create_engine, func, make_url, select, text
from sqlalchemy.exc import IntegrityError, OperationalError

from app.audit.ddl import create_guards
from app.core.db import Base
from app.core.migrate import downgrade, upgrade
from app.core.search import EXTENSION
from app.datasets.ddl import STATEMENTS
from app.jobs.schema import schema_sql
from tests.factories.rows import fill_every_table

SQL = Path(__file__).resolve().parents[2] / "migrations" / "sql"


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    made = create_engine(database_url)
    yield made
    made.dispose()


def _catalogue(engine: Engine) -> dict[str, list[str]]:
    """Everything of the service's own in the database: relations, functions, types, triggers, constraints."""
    public = "namespace = 'public'::regnamespace"
    queries = {
        "relations": f"SELECT relname FROM pg_class WHERE rel{public}",
        "functions": f"SELECT oid::regprocedure || md5(prosrc) FROM pg_proc WHERE pro{public}",
        "types": f"SELECT typname FROM pg_type WHERE typ{public}",
        "triggers": "SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal",
        "constraints": f"SELECT conrelid::regclass || '.' || conname || ' ' || pg_get_constraintdef(oid)"
        f" FROM pg_constraint WHERE con{public}",
    }
    with engine.connect() as connection:
        return {kind: sorted(connection.scalars(text(query))) for kind, query in queries.items()}


def test_up_down_and_up_again_with_data_in_every_table(engine: Engine, database_url: str) -> None:
    before = _catalogue(engine)
    with engine.begin() as connection:
        fill_every_table(connection)
    with engine.connect() as connection:
        assert {
            t.name: connection.scalar(select(func.count()).select_from(t))
            for t in Base.metadata.sorted_tables
        } == {t.name: 1 for t in Base.metadata.sorted_tables}
    downgrade(database_url, "base")
    emptied = _catalogue(engine)
    assert {kind: [n for n in names if "alembic_version" not in n] for kind, names in emptied.items()} == {
        kind: [] for kind in before
    }
    upgrade(database_url)
    assert _catalogue(engine) == before
    with engine.begin() as connection:
        fill_every_table(connection)


def test_clips_from_before_reasons_are_no_negatives(engine: Engine, database_url: str) -> None:
    with engine.begin() as connection:
        fill_every_table(connection)
        connection.execute(text("UPDATE clips SET eventful = false, reasons = '[]'"))
    downgrade(database_url, "6774bb9a100a")
    upgrade(database_url)
    with engine.connect() as connection:
        found = connection.execute(text("SELECT eventful, reasons FROM clips")).one()
    assert tuple(found) == (True, ["fixed_length"])


def test_uploads_on_their_way_to_the_store_end_with_a_downgrade(engine: Engine, database_url: str) -> None:
    with engine.begin() as connection:
        fill_every_table(connection)
        connection.execute(
            text("UPDATE uploads SET via = 'direct', length = 8, part_size = 8, state = 'received'")
        )
    downgrade(database_url, "8e2b6f0d41ca")
    upgrade(database_url)
    with engine.connect() as connection:
        found = connection.execute(text("SELECT state, reason_code, via, part_size FROM uploads")).one()
    assert tuple(found) == ("rejected", "staging_lost", "tus", None)


def test_what_was_joined_and_cut_anew_survives_the_way_down(engine: Engine, database_url: str) -> None:
    columns = (
        "recording_id, start_frame, end_frame, start_pts, end_pts, seconds, eventful, reasons, blob_key, size"
    )
    with engine.begin() as connection:
        fill_every_table(connection)
        connection.execute(text("DELETE FROM uploads"))  # as of a joined recording, which has none
        connection.execute(
            text(
                f"INSERT INTO clips (id, clip_set, ordinal, sha256, created_at, {columns}) "
                f"SELECT gen_random_uuid(), 2, ordinal, sha256, created_at, {columns} FROM clips"
            )
        )
    downgrade(database_url, "8e2b6f0d41ca")
    with engine.connect() as connection:
        assert (
            connection.scalar(text("SELECT count(*) FROM recordings r JOIN uploads u ON u.id = upload_id"))
            == 1
        )
        assert list(connection.scalars(text("SELECT ordinal FROM clips ORDER BY ordinal"))) == [0, 1]
    upgrade(database_url)


def test_parts_and_unknown_lengths_end_where_they_have_no_place(engine: Engine, database_url: str) -> None:
    with engine.begin() as connection:
        fill_every_table(connection)
        row = "SELECT gen_random_uuid(), organisation_id, exercise_id, created_by_kind, created_by, filename, details"
        columns = "id, organisation_id, exercise_id, created_by_kind, created_by, filename, details"
        rest = '"offset", state, expires_at, created_at, updated_at'
        for kind, into, place in (
            ("partial", "(SELECT id FROM uploads LIMIT 1)", "0"),
            ("whole", "NULL", "NULL"),
        ):
            connection.execute(
                text(
                    f"INSERT INTO uploads ({columns}, {rest}, kind, joined_into, place)"
                    f" {row}, 7, 'receiving', expires_at, created_at, updated_at, '{kind}', {into}, {place}"
                    " FROM uploads LIMIT 1"
                )
            )
    downgrade(database_url, "8e2b6f0d41ca")
    with engine.connect() as connection:
        query = 'SELECT length, state, reason_code FROM uploads WHERE "offset" = 7'
        assert [tuple(one) for one in connection.execute(text(query))] == [(7, "rejected", "terminated")]
    upgrade(database_url)
    with engine.connect() as connection:
        assert set(connection.scalars(text("SELECT kind FROM uploads"))) == {"whole"}


def test_of_the_same_bytes_in_quarantine_the_older_schema_keeps_those_that_were_in_use(
    engine: Engine, database_url: str
) -> None:
    with engine.begin() as connection:
        fill_every_table(connection)
        connection.execute(text("UPDATE recordings SET state = 'quarantined'"))
        connection.execute(text("UPDATE incidents SET state_before = 'ready', outcome = NULL"))
        twin = (
            "gen_random_uuid(), organisation_id, exercise_id, data_key_id, filename, sha256, size, blob_key"
        )
        rest = "received_at, state, attempt, clip_set, details_version"
        connection.execute(
            text(
                "INSERT INTO recordings (id, organisation_id, exercise_id, data_key_id, filename, sha256, size,"
                f" blob_key, {rest}) SELECT {twin}, {rest} FROM recordings"
            )
        )
        connection.execute(
            text(
                "INSERT INTO incidents (id, recording_id, state_before, reported_as, reason, reported_by, reported_at)"
                " SELECT gen_random_uuid(), (SELECT id FROM recordings ORDER BY id DESC LIMIT 1), 'withdrawn',"
                " reported_as, reason, reported_by, reported_at FROM incidents"
            )
        )
    downgrade(database_url, "1c93d0be72f5")
    with engine.connect() as connection:
        found = connection.scalars(text("SELECT state FROM recordings ORDER BY id")).all()
    assert found == ["quarantined", "withdrawn"]
    upgrade(database_url)


def test_what_was_kept_is_counted_once_more_on_the_way_up(engine: Engine, database_url: str) -> None:
    with engine.begin() as connection:
        fill_every_table(connection)
        like = (
            "organisation_id, exercise_id, created_by_kind, created_by, filename, details, kind, expires_at"
        )
        times = "created_at, updated_at"
        for length, state in ((5, "recorded"), (7, "recorded"), (11, "received"), (13, "rejected")):
            connection.execute(
                text(
                    f'INSERT INTO uploads (id, {like}, {times}, length, "offset", state)'
                    f" SELECT gen_random_uuid(), {like}, {times}, {length}, {length}, '{state}' FROM uploads LIMIT 1"
                )
            )
        connection.execute(text("UPDATE uploads SET state = 'recorded', length = 100 WHERE \"offset\" = 0"))
        connection.execute(text("UPDATE recordings SET state = 'erased'"))  # that of the first upload
    downgrade(database_url, "7f3a9d25c610")
    upgrade(database_url)
    with engine.connect() as connection:
        assert connection.scalars(text("SELECT bytes FROM kept_bytes")).all() == [12]


def test_the_models_equal_the_head(engine: Engine) -> None:
    def ours(_object: Any, name: str | None, kind: str, _reflected: bool, _other: Any) -> bool:
        return not (kind in ("table", "index") and (name or "").startswith("procrastinate_"))

    with engine.connect() as connection:
        options = {"include_object": ours, "compare_type": True, "compare_server_default": True}
        assert compare_metadata(MigrationContext.configure(connection, opts=options), Base.metadata) == []


def test_constraints_equal_those_of_the_models(engine: Engine, new_empty: Engine) -> None:
    """Alembic compares no CHECKs: a database made from the models shows what the migration should have."""
    with new_empty.begin() as connection:
        connection.execute(text(EXTENSION))
    Base.metadata.create_all(new_empty)
    migrated = [
        c for c in _catalogue(engine)["constraints"] if not c.startswith(("procrastinate_", "alembic_"))
    ]
    assert migrated == _catalogue(new_empty)["constraints"]


@pytest.fixture
def new_empty(postgres_url: str) -> Iterator[Engine]:
    """A database without a schema."""
    admin = create_engine(postgres_url, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text("CREATE DATABASE cordon_test_empty TEMPLATE template0"))
    made = create_engine(make_url(postgres_url).set(database="cordon_test_empty"))
    yield made
    made.dispose()
    with admin.connect() as connection:
        connection.execute(text("DROP DATABASE cordon_test_empty WITH (FORCE)"))
    admin.dispose()


def test_the_newest_frozen_sql_is_what_the_code_expects() -> None:
    """A change of the guards or of Procrastinate's schema needs a migration of its own."""
    frozen = " ".join(" ".join(path.read_text() for path in sorted(SQL.glob("*.sql"))).split())
    for statement in [*create_guards(), *STATEMENTS, schema_sql()]:
        assert " ".join(statement.split()) in frozen


def test_the_guards_hold_after_migrating(engine: Engine) -> None:
    with engine.begin() as connection:
        fill_every_table(connection)
    for statement in (
        "DELETE FROM audit_events",
        "TRUNCATE audit_checkpoints",
        "UPDATE audit_tiles SET hashes = ''",
    ):
        with pytest.raises(IntegrityError), engine.begin() as connection:
            connection.execute(text(statement))
    with engine.begin() as connection:
        connection.execute(text("UPDATE dataset_versions SET state = 'frozen'"))
    for statement in ("UPDATE dataset_versions SET state = 'draft'", "DELETE FROM dataset_items"):
        with pytest.raises(IntegrityError), engine.begin() as connection:
            connection.execute(text(statement))


@pytest.mark.slow
def test_a_migration_gives_up_on_a_lock_rather_than_queue(engine: Engine, database_url: str) -> None:
    with engine.begin() as holder:
        holder.execute(text("LOCK TABLE organisations IN ACCESS SHARE MODE"))
        started = time.monotonic()
        with pytest.raises(OperationalError, match="lock timeout"):
            downgrade(database_url, "base")
        assert time.monotonic() - started < 20
    assert _catalogue(engine)["relations"] != []
