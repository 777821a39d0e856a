"""The worker's share: building releases, keeping timestamps fresh, ending grants that are over."""

from __future__ import annotations

import io
import logging
from contextlib import suppress
from pathlib import Path
from uuid import UUID

from app.jobs import AlreadyQueued, defer
from app.jobs.context import JobContext
from app.jobs.task import task
from app.manifest.listing import FileEntry
from app.manifest.shards import Shard
from app.recordings.service import job_directory
from app.releases.models import Release
from app.releases.online_keys import OnlineKeys
from app.releases.service import building, grants, publishing, withholding
from app.releases.service.building import StoredTarget
from app.releases.service.composing import repository_for
from app.releases.service.samples import NothingToRelease, samples_of
from app.releases.service.sweeping import fail_abandoned, remove_strays, target_prefix
from app.storage.vault import Vault

log = logging.getLogger(__name__)


@task("releases.build")
def build(job: JobContext, *, release_id: UUID) -> None:
    """Packs the release; run again after a crash, it starts over under a new key prefix."""
    job.begin("release", release_id)
    try:
        with job_directory(job.settings.work_dir) as directory:
            _build(job, release_id, directory)
    except NothingToRelease as error:
        with job.db.transaction() as session:
            building.fail_build(session, release_id, str(error))


def _build(job: JobContext, release_id: UUID, directory: Path) -> None:
    vault = job.resource(Vault)
    with job.db.transaction() as session:
        release = session.get_one(Release, release_id)
        if release.state != "building":
            return
        repo_id = repository_for(session, release.dataset_id).repo_id
        _ = release.dataset.taxonomy, release.dataset_version
        total = len(release.dataset_version.items)
        samples, listed = samples_of(session, vault, release, lambda n: _report(job, n, total))
    prefix = f"{target_prefix(repo_id, release_id)}{job.attempt_key}"
    stored: list[StoredTarget] = []

    def keep(shard: Shard, path: Path) -> None:
        job.check()
        with path.open("rb") as file:
            stored.append(
                _store(
                    job, vault, prefix, release_id, FileEntry(shard.path, shard.length, shard.sha256), file
                )
            )
        path.unlink()

    packed = building.pack(release, samples, listed, directory, job.settings.shard_bytes, keep)
    for path, data in packed.documents.items():
        entry = FileEntry.of_bytes(path, data)
        stored.append(_store(job, vault, prefix, release_id, entry, io.BytesIO(data)))
    with job.db.transaction() as session:
        job.confirm(session)
        building.complete_build(session, release_id, packed, stored)
    remove_strays(job.db, vault, target_prefix(repo_id, release_id))


def _store(
    job: JobContext, vault: Vault, prefix: str, release_id: UUID, entry: FileEntry, source: io.BufferedIOBase
) -> StoredTarget:
    """Encrypts one target under a key of its own, so that withdrawing a shard destroys just its key."""
    with job.db.transaction() as session:
        key = vault.new_key(session, "release", release_id)
    blob_key = f"{prefix}/{entry.path}"
    vault.write(key, blob_key, source)  # type: ignore[arg-type]  # BufferedIOBase is a BinaryIO in all but name
    return StoredTarget(entry, blob_key, key.id)


def _report(job: JobContext, clips: int, total: int) -> None:
    job.check()
    job.progress("pack", done=clips, total=total, unit="clips")


@task("releases.settle_shards")
def settle_shards(job: JobContext, *, recording_id: UUID) -> None:
    """Closes the shards that hold quarantined footage; opens them again once it is cleared."""
    with job.db.transaction() as session:
        withholding.settle_shards(session, job.resource(Vault), recording_id)


@task("releases.erase_footage", max_attempts=66)
def erase_footage(job: JobContext, *, recording_id: UUID) -> None:
    """Destroys our copies of an erased recording in shards; partners' copies need a recall."""
    vault = job.resource(Vault)
    with job.db.transaction() as session:
        objects = withholding.erase_shards(session, vault, recording_id)
    for blob_key in objects:
        job.check()
        vault.delete(blob_key)


@task("releases.sweep", cron="*/2 * * * *")
def sweep(job: JobContext) -> None:
    """Ends builds whose job gave up."""
    fail_abandoned(job.db)


@task("releases.sweep_objects", cron="43 3 * * *")
def sweep_objects(job: JobContext) -> None:
    """Removes objects that crashed builds left in the store, and what jobs that gave up left of erased footage."""
    remove_strays(job.db, job.resource(Vault))
    with job.db.transaction() as session:
        for recording_id in withholding.erased_in_releases(session):
            name = "releases.erase_footage"
            with suppress(AlreadyQueued):
                defer(session, name, queueing_lock=f"{name}-{recording_id}", recording_id=recording_id)


@task("releases.refresh", cron="17 */6 * * *")
def refresh(job: JobContext) -> None:
    """Signs timestamps (valid two days) anew four times a day, and whatever machine role is half over."""
    keys = OnlineKeys.from_settings(job.settings)
    for repository_id in publishing.published_repositories(job.db):
        with job.db.transaction() as session:
            publishing.refresh_repository(session, keys, repository_id)


@task("releases.end_grants", cron="5 * * * *")
def end_grants(job: JobContext) -> None:
    """Marks grants whose last day is over as expired (they stop opening anything at once, by their date)."""
    with job.db.transaction() as session:
        ended = grants.end_expired(session)
    if ended:
        log.info("grants expired", extra={"count": ended})
