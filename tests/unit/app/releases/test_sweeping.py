"""What builds leave that never counted is removed, with its keys; what counts, or may yet, stays."""

from __future__ import annotations

import io
from uuid import UUID

from sqlalchemy import select, update

from app.core.db import Database
from app.releases import queries, tasks
from app.releases.models import Release
from app.releases.service import composing
from app.releases.service.sweeping import remove_strays
from app.settings import Settings
from app.storage.models import DataKey
from app.storage.vault import Vault
from tests.factories.recordings import job_context
from tests.factories.releases import make_stage


def _stray(database: Database, vault: Vault, release_id: UUID, prefix: str) -> tuple[str, UUID]:
    """A shard and its key, as a worker that was killed in the middle of a build leaves them."""
    with database.transaction() as session:
        key = vault.new_key(session, "release", release_id)
    blob_key = f"{prefix}/{release_id}/1-0/shards/000000.tar"
    vault.write(key, blob_key, io.BytesIO(b"half a release"))
    return blob_key, key.id


def test_only_what_no_target_names_is_removed(database: Database, settings: Settings, vault: Vault) -> None:
    stage = make_stage(database, settings, vault)
    release_id = stage.build()
    with database.transaction() as session:
        named = queries.blob_keys(session, release_id)
    prefix = next(iter(named)).partition(f"/{release_id}/")[0]
    _, key_id = _stray(database, vault, release_id, prefix)
    assert remove_strays(database, vault) == 1
    assert set(vault.store.list("tuf/")) == named
    with database.transaction() as session:
        assert session.get_one(DataKey, key_id).wrapped is None
        used = select(DataKey.wrapped).where(DataKey.subject_id == release_id, DataKey.id != key_id)
        assert None not in session.scalars(used).all()
    assert remove_strays(database, vault) == 0


def test_a_build_that_is_under_way_is_left_alone(
    database: Database, settings: Settings, vault: Vault
) -> None:
    stage = make_stage(database, settings, vault)
    release_id = stage.build()
    with database.transaction() as session:
        session.execute(update(Release).values(state="building"))
    stray, key_id = _stray(database, vault, release_id, "tuf/any")
    assert remove_strays(database, vault) == 0
    assert stray in set(vault.store.list("tuf/"))
    with database.transaction() as session:
        assert session.get_one(DataKey, key_id).wrapped is not None


def test_a_shard_that_an_earlier_release_has_is_not_kept_twice(
    database: Database, settings: Settings, vault: Vault
) -> None:
    stage = make_stage(database, settings, vault)
    with database.transaction() as session:
        version = stage.freeze(session)
        ids = [
            composing.create_release(session, stage.manager, version_id=version.id, notes="").id
            for _ in range(2)
        ]
    for number, release_id in enumerate(ids):
        tasks.build(job_context(database, settings, vault, job_id=number), release_id=release_id)
    with database.transaction() as session:
        first, second = (queries.blob_keys(session, release_id) for release_id in ids)
    assert [sum("/shards/" in key for key in keys) for keys in (first, second)] == [1, 0]
    assert set(vault.store.list("tuf/")) == first | second
    assert list(settings.work_dir.glob("job-*")) == []
