"""Removing what builds left that never counted: those of dead workers, and shards that an earlier release has."""

from __future__ import annotations

from itertools import groupby
from uuid import UUID

from sqlalchemy.orm import Session

from app.core.db import Database
from app.releases import queries
from app.releases.models import Release
from app.storage.vault import Vault

ROOT = "tuf/"


def target_prefix(repo_id: str, release_id: UUID) -> str:
    """Under which everything that builds of one release store lies."""
    return f"{ROOT}{repo_id}/{release_id}/"


def remove_strays(db: Database, vault: Vault, prefix: str = ROOT) -> int:
    """Deletes objects of releases that no target names, and destroys their keys; how many objects.

    What belongs to a release that is still being built is left alone.
    """
    removed = 0
    for name, keys in groupby(vault.store.list(prefix), key=lambda key: key.split("/")[2]):
        listed = set(keys)  # listed before the rows are read: what is stored later is not in the list
        with db.transaction() as session:
            strays = _strays(session, vault, UUID(name), listed)
        for key in strays:
            vault.delete(key)
        removed += len(strays)
    return removed


def _strays(session: Session, vault: Vault, release_id: UUID, listed: set[str]) -> set[str]:
    release = session.get(Release, release_id)
    if release is not None and release.state == "building":
        return set()
    for key in queries.unused_keys(session, release_id):
        vault.destroy(session, key)
    return listed - queries.blob_keys(session, release_id)
