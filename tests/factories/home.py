"""A data directory as `cordon init` leaves it, and the settings of a process on it."""

from __future__ import annotations

import base64
import secrets
from pathlib import Path

from app.audit.keys import create_checkpoint_key
from app.settings import Settings
from app.storage.keys import generate_key_file


def make_home(home: Path) -> Path:
    """A private data directory with generated keys."""
    for part in ("keys", "keys/online", "uploads", "work", "objects"):
        (home / part).mkdir(mode=0o700, parents=True)
    generate_key_file(home / "keys" / "master.key")
    create_checkpoint_key((home / "keys" / "checkpoint.key").as_uri(), "log.example/audit")
    return home


def make_settings(home: Path, database_url: str = "") -> Settings:
    """The settings of one process on that home, with a fresh secret."""
    secret = base64.b64encode(secrets.token_bytes(32)).decode()
    return Settings.from_environ(
        {"CORDON_HOME": str(home), "CORDON_SECRET_KEY": secret, "CORDON_DATABASE_URL": database_url}
    )
