"""Publishing a signed release: its metadata goes out in one transaction, or not at all."""

from __future__ import annotations

import hashlib
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.audit.events import Tag
from app.audit.service import append
from app.authz.permissions import Permission
from app.authz.predicates import require
from app.core.clock import now
from app.core.db import Database
from app.core.identity import Identity
from app.manifest import repository as tuf
from app.manifest.errors import ManifestError, VerificationError
from app.manifest.listing import FileEntry, parse_manifest
from app.manifest.repository import PublishedState
from app.manifest.signoff import DetachedSignature, assemble_targets
from app.releases import queries
from app.releases.models import Release, TufMetadata, TufRepository
from app.releases.online_keys import OnlineKeys
from app.releases.service.composing import get_release, repository_for, require_footage
from app.releases.service.errors import ReleaseState
from app.storage.models import DataKey
from app.storage.vault import Vault


def publish_release(
    session: Session, identity: Identity, keys: OnlineKeys, vault: Vault, *, release_id: UUID
) -> Release:
    """Publishes a signed release; the one published before it becomes superseded.

    Raises ReleaseState, FootageWithdrawn.
    """
    require(identity, Permission.RELEASE_PUBLISH)
    release = get_release(session, identity, release_id, lock=True)
    if release.state != "signed" or release.targets_payload is None:
        raise ReleaseState(f"It is {release.state.replace('_', ' ')}: only a signed release can be published")
    require_footage(session, release)
    repository = repository_for(session, release.dataset_id, lock=True)
    state = PublishedState.load(queries.metadata_files(session, repository.id))
    signatures = [DetachedSignature(s.keyid, s.signature.hex(), str(s.person_id)) for s in release.signatures]
    try:
        targets = assemble_targets(state.root, release.targets_payload, signatures)
        entries = _manifest(session, vault, repository, release)
        shards = [entry for entry in entries if entry.path.startswith("shards/")]
        files = tuf.publish(state, targets, shards, keys.signers(repository.repo_id), now())
    except (ManifestError, VerificationError) as error:
        raise ReleaseState(f"It cannot be published: {error}") from error
    _store(session, repository.id, files)
    _open_targets(session, repository, release, entries)
    for earlier in queries.published_releases(session, release.dataset_id):
        earlier.state = "superseded"
        append(session, identity, Tag.RELEASE_SUPERSEDED, subject=("release", earlier.id))
    release.state, release.published_at = "published", now()
    session.flush()
    digests = {name: hashlib.sha256(data).hexdigest() for name, data in sorted(files.items())}
    append(
        session,
        identity,
        Tag.RELEASE_PUBLISHED,
        subject=("release", release.id),
        details={"manifest_sha256": (release.manifest_sha256 or b"").hex(), "metadata": digests},
    )
    return release


def _manifest(
    session: Session, vault: Vault, repository: TufRepository, release: Release
) -> tuple[FileEntry, ...]:
    """What the signed manifest lists; its bytes are checked against the digest that people signed."""
    path = f"releases/{release.id}/manifest.jsonl"
    found = queries.target(session, repository.id, path, release.manifest_sha256 or b"")
    if found is None:
        raise ManifestError("its manifest is missing")
    with vault.open(session.get_one(DataKey, found.data_key_id), found.blob_key) as stream:
        data = stream.read()
    if hashlib.sha256(data).digest() != release.manifest_sha256:
        raise ManifestError("its manifest was changed in the store")
    return parse_manifest(data)


def _open_targets(
    session: Session, repository: TufRepository, release: Release, entries: tuple[FileEntry, ...]
) -> None:
    """From now on partners may fetch these and nothing else: what an earlier release alone held may since have been
    withdrawn. Raises ReleaseState for an entry that was never stored."""
    queries.close_targets(session, repository.id)
    for paper in queries.targets_of(session, release.id):
        if paper.path.startswith("releases/"):
            paper.published = True
    for entry in entries:
        target = queries.target(session, repository.id, entry.path, bytes.fromhex(entry.sha256))
        if target is None:
            raise ReleaseState(f"It cannot be published: {entry.path} is missing from the store")
        target.published = True


def _store(session: Session, repository_id: UUID, files: dict[str, bytes]) -> None:
    for name, content in files.items():
        session.merge(TufMetadata(repository_id=repository_id, filename=name, content=content))
    session.flush()


def published_repositories(db: Database) -> list[UUID]:
    """The repositories that have a timestamp to keep fresh."""
    with db.transaction() as session:
        query = select(TufMetadata.repository_id).where(TufMetadata.filename == "timestamp.json")
        return list(session.scalars(query))


def refresh_repository(session: Session, keys: OnlineKeys, repository_id: UUID) -> None:
    """Signs the timestamp anew, and every machine role of which half the life is over."""
    repository = session.get_one(TufRepository, repository_id, with_for_update={"of": TufRepository})
    state = PublishedState.load(queries.metadata_files(session, repository_id))
    _store(session, repository_id, tuf.refresh(state, keys.signers(repository.repo_id), now()))
