"""The data directory and its keys: what has to be on the disk before any part of the service can start."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

from app.audit.keys import create_checkpoint_key, origin_of
from app.settings import Settings, home_from
from app.storage.keys import generate_key_file


def prepare_home(environ: Mapping[str, str]) -> Settings:
    """Makes the data directory (0700) and every key that is missing; returns the settings that now hold."""
    home = home_from(environ)
    for directory in (home, home / "keys", home / "keys" / "online"):
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        directory.chmod(0o700)
    secret = home / "keys" / "secret_key"
    if not environ.get("CORDON_SECRET_KEY") and not secret.exists():
        _write_private(secret, secrets.token_urlsafe(48) + "\n")
    settings = Settings.from_environ(environ)
    if (master := _local_path(settings.master_key_uri)) and not master.exists():
        generate_key_file(master)
    if (checkpoint := _local_path(settings.checkpoint_key_uri)) and not checkpoint.exists():
        create_checkpoint_key(settings.checkpoint_key_uri, origin_of(settings.partner_url))
    return settings


def _local_path(uri: str) -> Path | None:
    parts = urlsplit(uri)
    return Path(unquote(parts.path)) if parts.scheme == "file" else None


def _write_private(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
