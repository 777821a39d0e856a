"""What the database sees while bytes are written: real writes, looked at from a connection of its own."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import NullPool, create_engine, text

from app.storage.vault import Vault

OPEN = text(
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() "
    "AND backend_type = 'client backend' AND xact_start IS NOT NULL"
)


def watch_writes(monkeypatch: pytest.MonkeyPatch, database_url: str) -> dict[str, int]:
    """From now on: how many transactions of the database are open as the vault writes an object, by its key."""
    engine, write, seen = create_engine(database_url, poolclass=NullPool), Vault.write, dict[str, int]()

    def watched(self: Vault, key: Any, blob_key: str, source: Any) -> int:
        with engine.connect() as connection:
            seen[blob_key] = int(connection.scalar(OPEN) or 0)
        return write(self, key, blob_key, source)

    monkeypatch.setattr(Vault, "write", watched)
    return seen
