"""Shards that hold footage which may not be handed out any more: closed at once, erased with it.

Which shard holds which clip, a release's own index says. A collection whose shards are closed cannot be pulled whole
until a release without that footage is published; that is meant.
"""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.audit.events import Tag
from app.audit.service import append
from app.core.identity import SYSTEM
from app.datasets.models import DatasetItem
from app.manifest.clips import parse_clip_index
from app.manifest.listing import parse_manifest
from app.recordings.models import Clip, Recording
from app.releases import queries
from app.releases.models import Release, TufTarget
from app.releases.service.composing import repository_for
from app.storage.models import DataKey
from app.storage.vault import Vault

HIDDEN = ("quarantined", "erased")


def settle_shards(session: Session, vault: Vault, recording_id: UUID) -> int:
    """Closes, or after an incident was cleared opens again, the shards of published releases; how many changed."""
    changed = 0
    for release in _releases_with(session, recording_id, ("published",)):
        repository_for(session, release.dataset_id, lock=True)
        session.refresh(release)
        if release.state != "published":  # another one was published while this waited for the lock
            continue
        hidden = _shards_with(session, vault, release, _clips_hidden(session, release))
        shut = [one for one in hidden if one.published]
        open_again = [one for one in _shards_with(session, vault, release, None) if not one.published]
        open_again = [one for one in open_again if one not in hidden]
        _set(session, release, shut, recording_id, Tag.RELEASE_SHARDS_CLOSED)
        _set(session, release, open_again, recording_id, Tag.RELEASE_SHARDS_OPENED)
        changed += len(shut) + len(open_again)
    return changed


def erase_shards(session: Session, vault: Vault, recording_id: UUID) -> list[str]:
    """Destroys the keys of every shard that holds footage of an erased recording; returns their objects, to be deleted.

    Running it again returns them again. The log says for which releases partners' copies need a recall.
    """
    recording = session.get(Recording, recording_id)
    if recording is None or recording.state != "erased":
        return []
    clips = set(session.scalars(select(Clip.id).where(Clip.recording_id == recording_id)))
    found: list[str] = []
    for release in _releases_with(session, recording_id, None):
        repository_for(session, release.dataset_id, lock=True)
        shards = _shards_with(session, vault, release, clips)
        keys = [session.get_one(DataKey, one.data_key_id) for one in shards]
        fresh = [key for key in keys if key.wrapped is not None]
        for key in fresh:
            vault.destroy(session, key)
        for shard in shards:
            shard.published = False
        found += [one.blob_key for one in shards]
        if fresh:
            _note_erased(session, release, recording, len(fresh))
    return found


def erased_in_releases(session: Session) -> list[UUID]:
    """Erased recordings that built releases hold clips of: to be erased there once more, lest a job gave up."""
    query = (
        select(Clip.recording_id)
        .join(Recording, Recording.id == Clip.recording_id)
        .join(DatasetItem, DatasetItem.clip_id == Clip.id)
        .join(Release, Release.dataset_version_id == DatasetItem.dataset_version_id)
        .where(
            Recording.state == "erased",
            DatasetItem.split.in_(queries.RELEASED_SPLITS),
            Release.manifest_sha256.is_not(None),
        )
    )
    return list(session.scalars(query.distinct().order_by(Clip.recording_id)))


def _note_erased(session: Session, release: Release, recording: Recording, count: int) -> None:
    """In the recording's own history, for its force: this is what it has of the releases."""
    left = release.state in ("published", "superseded", "recalled")
    said = {
        "release": str(release.id),
        "number": release.number,
        "shards": count,
        "partners_hold_copies": left,
    }
    append(
        session,
        SYSTEM,
        Tag.RELEASE_SHARDS_ERASED,
        subject=("recording", recording.id),
        details=said,
        organisation_id=recording.organisation_id,
    )


def _releases_with(session: Session, recording_id: UUID, states: Collection[str] | None) -> list[Release]:
    """Built releases that hand out clips of the recording."""
    versions = (
        select(DatasetItem.dataset_version_id)
        .join(Clip, Clip.id == DatasetItem.clip_id)
        .where(Clip.recording_id == recording_id, DatasetItem.split.in_(queries.RELEASED_SPLITS))
    )
    query = select(Release).where(
        Release.dataset_version_id.in_(versions), Release.manifest_sha256.is_not(None)
    )
    if states is not None:
        query = query.where(Release.state.in_(states))
    return list(session.scalars(query.order_by(Release.id)))


def _clips_hidden(session: Session, release: Release) -> set[UUID]:
    query = (
        select(DatasetItem.clip_id)
        .join(Clip, Clip.id == DatasetItem.clip_id)
        .join(Recording, Recording.id == Clip.recording_id)
        .where(DatasetItem.dataset_version_id == release.dataset_version_id, Recording.state.in_(HIDDEN))
    )
    return set(session.scalars(query))


def _shards_with(
    session: Session, vault: Vault, release: Release, clips: Collection[UUID] | None
) -> list[TufTarget]:
    """The release's shards that hold one of the clips; all of them where `clips` is None."""
    papers = {
        one.path.rpartition("/")[2]: one
        for one in queries.targets_of(session, release.id)
        if one.path.startswith("releases/")
    }
    wanted = None if clips is None else {str(one) for one in clips}
    index = parse_clip_index(_read(session, vault, papers["clips.jsonl"]))
    paths = {one.shard for one in index if wanted is None or one.key in wanted}
    repository = repository_for(session, release.dataset_id)
    entries = parse_manifest(_read(session, vault, papers["manifest.jsonl"]))
    found = (
        queries.target(session, repository.id, one.path, bytes.fromhex(one.sha256))
        for one in entries
        if one.path in paths
    )
    return [one for one in found if one is not None]


def _read(session: Session, vault: Vault, paper: TufTarget) -> bytes:
    with vault.open(session.get_one(DataKey, paper.data_key_id), paper.blob_key) as stream:
        return stream.read()


def _set(session: Session, release: Release, shards: list[TufTarget], recording_id: UUID, tag: Tag) -> None:
    for shard in shards:
        shard.published = tag is Tag.RELEASE_SHARDS_OPENED
    if shards:
        session.flush()
        said = {"recording": str(recording_id), "shards": len(shards)}
        append(session, SYSTEM, tag, subject=("release", release.id), details=said)
