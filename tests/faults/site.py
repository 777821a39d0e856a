"""A service of a campaign's own: a home with keys, an embedded PostgreSQL with the schema."""

from __future__ import annotations

import base64
import os
import random
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from app.audit.keys import create_checkpoint_key
from app.core.db import Database
from app.core.migrate import upgrade
from app.embedded import EmbeddedPostgres
from app.settings import Settings
from app.storage.keys import generate_key_file
from app.storage.vault import Vault


@dataclass(frozen=True)
class Site:
    """What processes of the service need, and the database as anyone with psycopg sees it."""

    home: Path
    settings: Settings
    database: Database
    vault: Vault
    conninfo: str
    server: EmbeddedPostgres

    def kill_database(self) -> None:
        """SIGKILL to PostgreSQL's postmaster; `server.start()` recovers it."""
        with psycopg.connect(self.conninfo) as connection:
            postmaster = int(Path(f"/proc/{connection.info.backend_pid}/stat").read_text().split()[3])
        os.kill(postmaster, signal.SIGKILL)


@contextmanager
def open_site(folder: Path, **more: str) -> Iterator[Site]:
    """Starts everything below `folder` and ends the database with it; `more` are settings by their variable's name."""
    home = folder / "home"
    for part in ("keys", "keys/online", "uploads", "work", "objects"):
        (home / part).mkdir(mode=0o700, parents=True)
    generate_key_file(home / "keys" / "master.key")
    create_checkpoint_key((home / "keys" / "checkpoint.key").as_uri(), "log.example/campaign")
    server = EmbeddedPostgres(folder / "pg", with_parent=True)
    try:
        url = server.start()
        upgrade(url)
        secret = base64.b64encode(random.Random(str(folder)).randbytes(32)).decode()
        settings = Settings.from_environ(
            {"CORDON_HOME": str(home), "CORDON_SECRET_KEY": secret, "CORDON_DATABASE_URL": url} | more
        )
        database = Database(url)
        try:
            conninfo = url.replace("+psycopg", "")
            yield Site(home, settings, database, Vault.from_settings(settings), conninfo, server)
        finally:
            database.dispose()
    finally:
        server.destroy()


@contextmanager
def environ_with(more: dict[str, str]) -> Iterator[None]:
    """This process's own environment with more in it: boto3 looks for credentials there."""
    before = dict(os.environ)
    os.environ.update(more)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
