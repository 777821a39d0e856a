"""The partner's side: only what an active grant opens is there at all, and every byte handed out is logged."""

from __future__ import annotations

import re
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.orm import Session

from app.audit.events import Tag
from app.audit.service import append
from app.authz.permissions import Permission
from app.authz.predicates import require
from app.core.clock import now
from app.core.errors import NotFound
from app.core.identity import Identity
from app.core.ids import new_id
from app.core.pagination import Page
from app.releases import queries
from app.releases.models import Download, Grant, Release, TufRepository, TufTarget
from app.storage.models import DataKey

_METADATA_NAME = re.compile(r"(?:\d{1,9}\.)?[a-z0-9-]{1,40}\.json")
_HASHED_NAME = re.compile(r"([0-9a-f]{64})\.(.+)")


@dataclass(frozen=True, slots=True)
class Handed:
    """A target to send: its row, its key, and the grant it goes out under."""

    target: TufTarget
    data_key: DataKey
    grant: Grant


def granted_releases(
    session: Session, identity: Identity, *, cursor: str | None, limit: int
) -> Page[Release]:
    """Published releases of the collections open to the partner, newest first."""
    datasets = queries.granted_datasets(session, _organisation(identity), now().date())
    return queries.page_of_releases(
        session, dataset_ids=datasets, states=["published"], cursor=cursor, limit=limit
    )


def granted_release(session: Session, identity: Identity, release_id: UUID) -> Release:
    """One of them. Raises NotFound for any other."""
    release = session.get(Release, release_id)
    if release is None or release.state != "published":
        raise NotFound
    if queries.active_grant(session, _organisation(identity), release.dataset_id, now().date()) is None:
        raise NotFound
    return release


def metadata(session: Session, identity: Identity, *, slug: str, filename: str) -> bytes:
    """One metadata file of a granted collection. A timestamp's fetch is a refresh, and is logged."""
    repository, grant = _opened(session, identity, slug)
    content = (
        queries.metadata_file(session, repository.id, filename)
        if _METADATA_NAME.fullmatch(filename)
        else None
    )
    if content is None:
        raise NotFound
    if filename == "timestamp.json":
        append(session, identity, Tag.DOWNLOAD_METADATA, subject=("grant", grant.id), purpose=grant.purpose)
    return content


def hand_out(session: Session, identity: Identity, *, slug: str, path: str, byte_range: str) -> Handed:
    """One target of a granted collection, by its consistent-snapshot path `dir/<sha256>.<name>`.

    Writes the disclosure before the first byte leaves; `byte_range` is what was asked for, for the log.
    """
    repository, grant = _opened(session, identity, slug)
    directory, _, name = path.rpartition("/")
    match = _HASHED_NAME.fullmatch(name)
    if match is None:
        raise NotFound
    plain = f"{directory}/{match[2]}" if directory else match[2]
    target = queries.target(session, repository.id, plain, bytes.fromhex(match[1]))
    if target is None or not target.published or identity.id is None:
        raise NotFound
    session.add(
        Download(
            id=new_id(),
            grant_id=grant.id,
            target_id=target.id,
            actor_kind=identity.kind.value,
            actor_id=identity.id,
            byte_range=byte_range,
        )
    )
    append(
        session,
        identity,
        Tag.DOWNLOAD_TARGET,
        subject=("release", target.release_id),
        purpose=grant.purpose,
        details={"path": plain, "sha256": match[1], "range": byte_range, "grant": str(grant.id)},
    )
    return Handed(target, session.get_one(DataKey, target.data_key_id), grant)


def _opened(session: Session, identity: Identity, slug: str) -> tuple[TufRepository, Grant]:
    organisation = _organisation(identity)
    dataset = queries.dataset_by_slug(session, slug)
    grant = queries.active_grant(session, organisation, dataset.id, now().date()) if dataset else None
    repository = queries.repository_of(session, dataset.id) if dataset else None
    if grant is None or repository is None:
        raise NotFound
    return repository, grant


def _organisation(identity: Identity) -> UUID:
    require(identity, Permission.RELEASE_FETCH)
    if identity.organisation_id is None:
        raise NotFound
    return identity.organisation_id
