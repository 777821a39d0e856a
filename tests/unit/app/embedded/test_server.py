"""The embedded PostgreSQL, really started: safe defaults, sharing, crashes, refusals."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from app.embedded import EmbeddedPostgres, EmbeddedPostgresError, embedded_url
from app.embedded.places import Places, places_for
from app.embedded.postmaster import live_pid


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    server = EmbeddedPostgres(tmp_path_factory.mktemp("pg"), with_parent=True)
    server.start()
    yield server
    server.destroy()


@pytest.fixture
def home(server: EmbeddedPostgres) -> Path:
    return server.home


def ask(url: str, question: str) -> object:
    with psycopg.connect(url.replace("+psycopg", "", 1), autocommit=True) as connection:
        row = connection.execute(question).fetchone()  # type: ignore[call-overload]
        return row[0] if row else None


def places(home: Path) -> Places:
    return places_for(home, create=False)


def wait_until_gone(data: Path) -> None:
    deadline = time.monotonic() + 20
    while live_pid(data) is not None:
        assert time.monotonic() < deadline, "the server still runs"
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("listen_addresses", ""),
        ("data_checksums", "on"),
        ("fsync", "on"),
        ("password_encryption", "scram-sha-256"),
    ],
)
def test_defaults_are_safe(home: Path, setting: str, value: str) -> None:
    assert ask(embedded_url(home), f"SELECT current_setting('{setting}')") == value


def test_role_owns_its_database_and_is_no_superuser(home: Path) -> None:
    url = embedded_url(home)
    assert ask(url, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user") is False
    assert ask(url, "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'cordon'") == "cordon"
    assert ask(url, "SELECT upper('é')") == "É"


def test_files_are_private(home: Path) -> None:
    where = places(home)
    for directory in (where.private, where.base, where.data, where.socket_dir):
        assert directory.stat().st_mode & 0o077 == 0, directory
    assert [path.stat().st_mode & 0o777 for path in where.private.glob("*.password")] == [0o600, 0o600]


def test_wrong_password_is_refused(home: Path) -> None:
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        ask(embedded_url(home).replace("cordon:", "cordon:f", 1), "SELECT 1")


def test_last_user_stops_the_server(tmp_path: Path) -> None:
    first, second = EmbeddedPostgres(tmp_path), EmbeddedPostgres(tmp_path)
    assert not first.running
    assert first.start() == second.start()
    second.stop()
    assert first.running
    assert ask(first.admin_url, "SELECT 1") == 1
    first.stop()
    first.stop()
    assert not first.running
    with EmbeddedPostgres(tmp_path) as third:
        assert third.running
    third.destroy()
    assert not (tmp_path / "postgres").exists()


def test_killed_server_starts_again_with_its_rows(server: EmbeddedPostgres) -> None:
    with psycopg.connect(embedded_url(server.home).replace("+psycopg", "", 1)) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS n")
    data = places(server.home).data
    pid = live_pid(data)
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    assert ask(server.start(), "SELECT n FROM kept") == 7
    assert live_pid(data) != pid


def test_pid_file_of_a_stranger_does_not_block_the_start(server: EmbeddedPostgres) -> None:
    data = places(server.home).data
    pid = live_pid(data)
    assert pid is not None
    lines = (data / "postmaster.pid").read_text().splitlines()
    os.kill(pid, signal.SIGKILL)
    stranger = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, cwd="/")
    try:
        (data / "postmaster.pid").write_text("\n".join([str(stranger.pid), *lines[1:]]) + "\n")
        assert ask(server.start(), "SELECT 1") == 1
    finally:
        stranger.communicate(b"\n", timeout=10)


def test_server_with_parent_ends_when_the_parent_is_killed(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from app.embedded import EmbeddedPostgres\n"
        "EmbeddedPostgres(Path(sys.argv[1]), with_parent=True).start(); print('up', flush=True); input()"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"up\n"
        assert EmbeddedPostgres(tmp_path).running
    finally:
        parent.kill()
        parent.communicate()
    wait_until_gone(places(tmp_path).data)
    EmbeddedPostgres(tmp_path).destroy()


def test_cluster_of_another_major_version_is_refused(tmp_path: Path) -> None:
    server = EmbeddedPostgres(tmp_path)
    with server:
        pass
    version = places(tmp_path).data / "PG_VERSION"
    version.write_text("12\n")
    with pytest.raises(EmbeddedPostgresError, match=r"made by PostgreSQL 12, this is \d+"):
        server.start()
    server.destroy()


def test_home_without_a_cluster_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(EmbeddedPostgresError, match="run 'cordon init' first"):
        embedded_url(tmp_path)
    assert not EmbeddedPostgres(tmp_path).running
