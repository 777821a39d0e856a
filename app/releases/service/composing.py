"""Releases from their request to their sign-off: built by a job, then signed by two approvers."""

from __future__ import annotations

import base64
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session
from tuf.api.metadata import Metadata, Root

from app.audit.events import Tag
from app.audit.service import append
from app.authz.permissions import Permission
from app.authz.predicates import require, require_person
from app.core.clock import now
from app.core.errors import NotFound
from app.core.identity import Identity
from app.core.ids import new_id
from app.core.pagination import Page
from app.custody.service import reasons_against_release
from app.datasets.models import Dataset, DatasetVersion
from app.exercises import service as exercises
from app.jobs.queue import defer
from app.manifest.errors import VerificationError
from app.manifest.listing import FileEntry
from app.manifest.repository import PublishedState
from app.manifest.roles import HEAD, TARGETS, WITHDRAWALS
from app.manifest.signoff import MachineKeys, compose_targets, verify_signature
from app.redaction.service import begun_and_not_finished
from app.releases import queries
from app.releases.models import Release, ReleaseSignature, TufRepository
from app.releases.online_keys import OnlineKeys
from app.releases.service.errors import (
    BasisMissing,
    CeremonyNeeded,
    FootageWithdrawn,
    OwnComposition,
    RedactionBegun,
    ReleaseState,
    ReviewRevoked,
    SignatureRefused,
    SignedTwice,
    VersionNotFrozen,
)
from app.releases.service.samples import NothingToRelease, frozen_footage

SIGNABLE = ("built", "awaiting_sign_off", "signed")


def create_release(session: Session, identity: Identity, *, version_id: UUID, notes: str) -> Release:
    """Asks for a release of a frozen version; a job builds it. Raises VersionNotFrozen, CeremonyNeeded."""
    require(identity, Permission.RELEASE_BUILD)
    person_id = require_person(identity)
    version = session.get(DatasetVersion, version_id)
    if version is None:
        raise NotFound
    if version.state != "frozen":
        raise VersionNotFrozen
    repository_for(session, version.dataset_id)
    session.get_one(Dataset, version.dataset_id, with_for_update={"of": Dataset})
    release = Release(
        id=new_id(),
        dataset_id=version.dataset_id,
        dataset_version_id=version.id,
        number=queries.next_number(session, version.dataset_id),
        state="building",
        composed_by=person_id,
        notes=notes,
        signatures=[],
    )
    session.add(release)
    session.flush()
    append(session, identity, Tag.RELEASE_REQUESTED, subject=("release", release.id))
    release.job_id = defer(session, "releases.build", release_id=release.id)
    session.flush()
    return release


def repository_for(session: Session, dataset_id: UUID, *, lock: bool = False) -> TufRepository:
    """The dataset's repository. Raises CeremonyNeeded."""
    found = queries.repository_of(session, dataset_id, lock=lock)
    if found is None:
        raise CeremonyNeeded
    return found


def require_footage(session: Session, release: Release) -> None:
    """Raises FootageWithdrawn where a force took back what the release holds (no force can while this lasts),
    RedactionBegun where it is about to hide something of it, ReviewRevoked where it took its review back, BasisMissing
    where an exercise's lawful basis or consent record is gone."""
    exercise_ids = queries.released_exercises(session, release.dataset_version_id)
    missing = exercises.reasons_against_release(session, exercise_ids)  # held before their recordings
    if queries.footage_gone(session, release.dataset_version_id):
        raise FootageWithdrawn
    released = queries.released_recordings(session, release.dataset_version_id)
    if begun_and_not_finished(session, released):
        raise RedactionBegun
    if reasons := reasons_against_release(session, released):
        raise ReviewRevoked(reasons[0])
    if missing:
        raise BasisMissing(f"{missing[0]}: its force must say it")
    rows = queries.items_to_pack(session, release.dataset_version_id, queries.RELEASED_SPLITS)
    try:
        frozen_footage(session, rows)
    except NothingToRelease as changed:
        raise RedactionBegun(str(changed)) from changed


def get_release(session: Session, identity: Identity, release_id: UUID, *, lock: bool = False) -> Release:
    """One release, for the operator's people. Raises NotFound."""
    require(identity, Permission.RELEASE_READ)
    found = session.get(
        Release, release_id, with_for_update={"of": Release} if lock else None, populate_existing=lock
    )
    if found is None:
        raise NotFound
    return found


def list_releases(session: Session, identity: Identity, *, cursor: str | None, limit: int) -> Page[Release]:
    """Newest first, for the operator's people."""
    require(identity, Permission.RELEASE_READ)
    return queries.page_of_releases(session, dataset_ids=None, states=(), cursor=cursor, limit=limit)


def request_sign_off(session: Session, identity: Identity, keys: OnlineKeys, *, release_id: UUID) -> Release:
    """Composes the targets role that approvers sign; again, where another release was published meanwhile.

    Asking again voids the signatures gathered so far: they were over an older role.
    """
    require(identity, Permission.RELEASE_BUILD)
    release = get_release(session, identity, release_id, lock=True)
    repository = repository_for(session, release.dataset_id)
    state = PublishedState.load(queries.metadata_files(session, repository.id))
    previous = state.targets.signed.version if state.targets else 0
    if release.state not in SIGNABLE:
        raise ReleaseState(f"It is {release.state.replace('_', ' ')}: only a built release can be signed")
    if release.state != "built" and release.targets_version == previous + 1:
        raise ReleaseState("It is waiting for signatures already")
    require_footage(session, release)
    public = keys.public(repository.repo_id)
    own = [t for t in queries.targets_of(session, release.id) if t.path.startswith("releases/")]
    release.targets_payload = compose_targets(
        repository.repo_id,
        str(release.id),
        [FileEntry(t.path, t.size, t.sha256.hex()) for t in own],
        MachineKeys(head=public[HEAD], withdrawals=public[WITHDRAWALS]),
        now(),
        previous,
    )
    release.targets_version = previous + 1
    release.signatures.clear()
    release.state = "awaiting_sign_off"
    session.flush()
    append(session, identity, Tag.RELEASE_SIGN_OFF_REQUESTED, subject=("release", release.id))
    return release


def signing_view(session: Session, identity: Identity, *, release_id: UUID) -> dict[str, Any]:
    """What an approver's own machine needs to check and sign."""
    require(identity, Permission.RELEASE_READ)
    release = get_release(session, identity, release_id)
    if release.targets_payload is None or release.manifest_sha256 is None:
        raise ReleaseState(f"It is {release.state.replace('_', ' ')}: nothing is to be signed")
    repository = repository_for(session, release.dataset_id)
    root = published_root(session, repository)
    return {
        "release_id": str(release.id),
        "collection": release.dataset.slug,
        "repo_id": repository.repo_id,
        "role": TARGETS,
        "payload": base64.b64encode(release.targets_payload).decode(),
        "manifest_sha256": release.manifest_sha256.hex(),
        "summary": {
            "number": release.number,
            "clips": release.clip_count,
            "shards": release.shard_count,
            "total_bytes": release.total_bytes,
            "notes": release.notes,
        },
        "signatures": [{"keyid": s.keyid, "person": s.person.name} for s in release.signatures],
        "threshold": root.signed.roles[TARGETS].threshold,
    }


def published_root(session: Session, repository: TufRepository) -> Metadata[Root]:
    """The newest root of the repository."""
    files = queries.metadata_files(session, repository.id)
    version = max(int(name.split(".")[0]) for name in files if name.endswith(".root.json"))
    root: Metadata[Root] = Metadata.from_bytes(files[f"{version}.root.json"])
    return root


def add_signature(
    session: Session, identity: Identity, *, release_id: UUID, keyid: str, signature: str
) -> Release:
    """Adds one approver's signature; at the threshold of different people the release is signed.

    Raises OwnComposition, SignedTwice, ReleaseState, or SignatureRefused for a foreign key or wrong bytes.
    """
    require(identity, Permission.RELEASE_SIGN)
    person_id = require_person(identity)
    release = get_release(session, identity, release_id, lock=True)
    if person_id in (release.composed_by, release.dataset_version.composed_by):
        raise OwnComposition
    if any(s.person_id == person_id or s.keyid == keyid for s in release.signatures):
        raise SignedTwice
    if release.state != "awaiting_sign_off" or release.targets_payload is None:
        raise ReleaseState(f"It is {release.state.replace('_', ' ')}: no signature is awaited")
    require_footage(session, release)
    if queries.signing_key(session, person_id, keyid) is None:
        raise SignatureRefused("This is not a signing key that you registered")
    root = published_root(session, repository_for(session, release.dataset_id))
    try:
        verify_signature(root.signed, release.targets_payload, keyid, signature)
    except VerificationError as error:
        raise SignatureRefused(str(error)) from error
    release.signatures.append(
        ReleaseSignature(
            id=new_id(),
            release_id=release.id,
            person_id=person_id,
            keyid=keyid,
            signature=bytes.fromhex(signature),
        )
    )
    append(
        session,
        identity,
        Tag.RELEASE_SIGNATURE_ADDED,
        subject=("release", release.id),
        details={"keyid": keyid, "manifest_sha256": (release.manifest_sha256 or b"").hex()},
    )
    if len({s.person_id for s in release.signatures}) >= root.signed.roles[TARGETS].threshold:
        release.state = "signed"
        append(session, identity, Tag.RELEASE_SIGNED, subject=("release", release.id))
    session.flush()
    return release
