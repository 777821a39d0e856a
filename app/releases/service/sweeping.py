"""Ending builds that cannot end by themselves, and removing what builds left that never counted: those of dead
workers, and shards that an earlier release has."""

from __future__ import annotations

from itertools import groupby
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.db import Database
from app.jobs import status_of
from app.releases import queries
from app.releases.models import Release
from app.releases.service.building import fail_build
from app.storage.vault import Vault

ROOT = "tuf/"
ALIVE = ("todo", "doing", "aborting")
GAVE_UP = "The service failed to build it: the operator's log says why; ask for the release again"


def fail_abandoned(db: Database) -> None:
    """Fails releases whose job gave up: a person reads why, and nothing is 'building' for ever."""
    with db.transaction() as session:
        waiting = session.scalars(select(Release).where(Release.state == "building")).all()
        ended = [r.id for r in waiting if r.job_id is None or status_of(session, r.job_id) not in ALIVE]
    for release_id in ended:
        with db.transaction() as session:
            fail_build(session, release_id, GAVE_UP)


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
