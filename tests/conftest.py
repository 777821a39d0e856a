"""Fixtures that every test may use.

PostgreSQL is real: one embedded server a test run (shared by pytest-xdist's workers), one template database with the
whole schema, and a copy of it, emptied again, for each test that asks. Set CORDON_TEST_DATABASE_URL to a role that may
create databases (`postgresql+psycopg://user:password@host/postgres`) to use a server of your own instead.

    postgres_url   session   SQLAlchemy URL of that server, on its maintenance database
    new_database   session   a function: makes another fresh, migrated database (or a copy of one) and returns its URL
    databases      session   what has been opened, by URL: connections and compiled statements serve the next test
    database_url   test      URL of an empty, migrated database, which another test may have had before
    database       test      an `app.core.db.Database` on it
    home           test      a CORDON_HOME with generated keys, 0700
    settings       test      a `Settings` of that home and that database
    vault          test      a `Vault` on that home (asks for no database)
"""

from __future__ import annotations

import fcntl
import gc
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from sqlalchemy import create_engine, make_url, text
from xdist.scheduler import LoadScopeScheduling

from app.accounts.service import passwords
from app.cli import GC_THRESHOLDS
from app.core.db import Database
from app.core.migrate import upgrade
from app.embedded import EmbeddedPostgres, EmbeddedPostgresError
from app.settings import Settings
from app.storage.vault import Vault
from tests.factories.emptying import emptied, shape_of
from tests.factories.home import make_home, make_settings

NewDatabase = Callable[..., str]
# Tests that share a costly service run in one worker, in order. xdist's own groups ride on pytest internals that
# pytest 9.2 changed (pytest-xdist 3.8: `_nodeid`), so they are named here by where they lie.
TOGETHER = (
    "tests/contract/",
    "tests/e2e/",
    "tests/integration/test_published_release.py",
    "tests/integration/test_run.py",
    "tests/integration/test_upload_command.py",
    "tests/integration/test_uploads",  # one server for all of these
    "tests/unit/app/recordings/test_deriving.py",
    "tests/unit/app/redaction/test_tasks.py",
    "tests/unit/test_house_rules.py",
)


class _Together(LoadScopeScheduling):
    """xdist's scheduling by scope, where the scope is a place in TOGETHER or else the single test."""

    def _split_scope(self, nodeid: str) -> str:
        return next((place for place in TOGETHER if nodeid.startswith(place)), nodeid)


def pytest_configure() -> None:
    """Modules and what is collected stay until the end: they need not be looked through for garbage so often."""
    gc.set_threshold(*GC_THRESHOLDS)


def pytest_collection_finish() -> None:
    """Nor, once all is collected, at all."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling | None:
    """For `--dist loadgroup`, which is what `make test` asks for."""
    return _Together(config, log) if config.getvalue("dist") == "loadgroup" else None


@pytest.fixture(scope="session", autouse=True)
def cheap_hashes() -> None:
    """argon2 with little memory in the tests' own processes: the same code and format, a hundredth of the time."""
    passwords._hasher = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)


@pytest.fixture(scope="session")
def shared_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One directory for all workers of this test run."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


@pytest.fixture(scope="session")
def postgres_url(shared_dir: Path) -> Iterator[str]:
    """The server's URL on its maintenance database, as a role that may create databases."""
    if given := os.environ.get("CORDON_TEST_DATABASE_URL"):
        yield given
        return
    # Under xdist the worker that started it may end before the others: the last one to leave stops it.
    server = EmbeddedPostgres(shared_dir / "pg", with_parent="PYTEST_XDIST_WORKER" not in os.environ)
    server.start()
    for setting in ("fsync", "full_page_writes"):  # a test's data need not survive the machine
        _execute(server.admin_url, f"ALTER SYSTEM SET {setting} = off")
    _execute(server.admin_url, "SELECT pg_reload_conf()")
    yield server.admin_url
    with suppress(EmbeddedPostgresError):  # another worker still uses it, and will remove it
        server.destroy()


@pytest.fixture(scope="session")
def new_database(postgres_url: str, shared_dir: Path) -> Iterator[NewDatabase]:
    """Makes fresh, migrated databases, or copies of one that nobody uses; drops them when the session ends."""
    with _locked(shared_dir / "template.lock"):
        template = _template(postgres_url, shared_dir / "template.name")
    made: list[str] = []

    def make(copy_of: str = "") -> str:
        name = f"cordon_test_{secrets.token_hex(6)}"
        copied = make_url(copy_of).database if copy_of else template
        _execute(postgres_url, f'CREATE DATABASE "{name}" TEMPLATE "{copied}"')
        made.append(name)
        return _on_database(postgres_url, name)

    yield make
    if "PYTEST_XDIST_WORKER" not in os.environ:
        made.append(template)
    for name in made:
        _execute(postgres_url, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


@pytest.fixture(scope="session")
def spare_databases() -> list[str]:
    """URLs of databases that a test has left empty."""
    return []


@pytest.fixture(scope="session")
def schema_shape(new_database: NewDatabase) -> str:
    """What the schema of a database must be for another test to have it."""
    return shape_of(new_database())


@pytest.fixture(scope="session")
def databases() -> Iterator[dict[str, Database]]:
    """What has been opened, by URL: statements and connections of one test serve the next one on that database."""
    opened: dict[str, Database] = {}
    yield opened
    for one in opened.values():
        one.dispose()


@pytest.fixture
def database_url(
    new_database: NewDatabase,
    postgres_url: str,
    databases: dict[str, Database],
    spare_databases: list[str],
    schema_shape: str,
) -> Iterator[str]:
    """An empty, migrated database of this test's own."""
    url = spare_databases.pop() if spare_databases else new_database()
    yield url
    engine = databases.setdefault(url, Database(url)).engine
    if emptied(engine, schema_shape):
        spare_databases.append(url)
    else:
        engine.dispose()
        _execute(postgres_url, f'DROP DATABASE IF EXISTS "{make_url(url).database}" WITH (FORCE)')


@pytest.fixture
def database(database_url: str, databases: dict[str, Database]) -> Database:
    """The service's own view of the test's database."""
    return databases.setdefault(database_url, Database(database_url))


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A data directory as `cordon init` leaves it: private, with keys."""
    return make_home(tmp_path / "home")


@pytest.fixture
def settings(home: Path, database_url: str) -> Settings:
    """The settings of one process on that home and that database."""
    return make_settings(home, database_url)


@pytest.fixture
def vault(home: Path) -> Vault:
    """A vault on local disk with that home's master key."""
    return Vault.from_settings(make_settings(home))


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _template(postgres_url: str, marker: Path) -> str:
    """This run's template database, made unless this very server already has it. The caller holds the lock."""
    name = marker.read_text() if marker.exists() else f"cordon_test_template_{secrets.token_hex(4)}"
    engine = create_engine(postgres_url)
    with engine.connect() as connection:
        there = connection.scalar(text("SELECT 1 FROM pg_database WHERE datname = :name"), {"name": name})
    engine.dispose()
    if not there:
        _execute(postgres_url, f'CREATE DATABASE "{name}"')
        upgrade(_on_database(postgres_url, name))
        marker.write_text(name)
    return name


def _on_database(url: str, name: str) -> str:
    return make_url(url).set(database=name).render_as_string(hide_password=False)


def _execute(url: str, statement: str) -> None:
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(statement))
    engine.dispose()
