"""Datasets, and composing their versions from accepted labels."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping
from uuid import UUID

from sqlalchemy import delete
from sqlalchemy.orm import Session

from app.annotation.queries import accepted_annotations, labelled_clip_ids
from app.annotation.service import ensure_taxonomy
from app.audit.events import Tag
from app.audit.service import append
from app.authz.permissions import Permission
from app.authz.predicates import require, require_person
from app.core.errors import InvalidRequest, NotFound, StaleVersion
from app.core.identity import Identity
from app.core.ids import new_id
from app.core.pagination import Page
from app.datasets import queries
from app.datasets.contents import digest_of_lines, held_twice
from app.datasets.models import Dataset, DatasetItem, DatasetVersion
from app.datasets.service.errors import SPLITS_FIXED, SlugTaken, VersionFrozen
from app.datasets.splits import DEFAULT_PROPORTIONS, check_proportions

MAX_ITEMS = 100_000


def create_dataset(
    session: Session, identity: Identity, *, slug: str, name: str, description: str
) -> Dataset:
    """A new dataset with a salt of its own. Raises SlugTaken."""
    require(identity, Permission.DATASET_COMPOSE)
    person_id = require_person(identity)
    if queries.dataset_by_slug(session, slug) is not None:
        raise SlugTaken
    dataset = Dataset(
        id=new_id(),
        slug=slug,
        name=name,
        description=description,
        salt=secrets.token_bytes(32),
        taxonomy_id=ensure_taxonomy(session).id,
        created_by=person_id,
    )
    session.add(dataset)
    session.flush()
    append(session, identity, Tag.DATASET_CREATE, subject=("dataset", dataset.id), details={"slug": slug})
    return dataset


def get_dataset(session: Session, identity: Identity, dataset_id: UUID) -> Dataset:
    """One dataset. Raises NotFound."""
    require(identity, Permission.DATASET_READ)
    found = session.get(Dataset, dataset_id)
    if found is None:
        raise NotFound
    return found


def list_datasets(session: Session, identity: Identity, *, cursor: str | None, limit: int) -> Page[Dataset]:
    """Newest first."""
    require(identity, Permission.DATASET_READ)
    return queries.page_of_datasets(session, cursor=cursor, limit=limit)


def create_version(
    session: Session, identity: Identity, *, dataset_id: UUID, splits: Mapping[str, float] | None = None
) -> DatasetVersion:
    """A new draft. Raises InvalidRequest for proportions that do not add up or differ from a frozen version's."""
    require(identity, Permission.DATASET_COMPOSE)
    person_id = require_person(identity)
    dataset = session.get(Dataset, dataset_id, with_for_update={"of": Dataset})
    if dataset is None:
        raise NotFound
    fixed = queries.fixed_proportions(session, dataset_id)
    proportions = dict(splits or fixed or DEFAULT_PROPORTIONS)
    if problem := check_proportions(proportions):
        raise InvalidRequest(f"splits: {problem}")
    if fixed not in (None, proportions):
        raise InvalidRequest(SPLITS_FIXED)
    version = DatasetVersion(
        id=new_id(),
        dataset_id=dataset_id,
        number=queries.next_number(session, dataset_id),
        state="draft",
        splits=proportions,
        composed_by=person_id,
        version=1,
    )
    session.add(version)
    session.flush()
    append(session, identity, Tag.DATASET_VERSION_CREATE, subject=("dataset_version", version.id))
    return version


def get_version(
    session: Session, identity: Identity, version_id: UUID, *, lock: bool = False
) -> DatasetVersion:
    """One version. Raises NotFound."""
    require(identity, Permission.DATASET_READ)
    locking = {"of": DatasetVersion} if lock else None
    found = session.get(DatasetVersion, version_id, with_for_update=locking, populate_existing=lock)
    if found is None:
        raise NotFound
    return found


def list_versions(
    session: Session, identity: Identity, dataset_id: UUID, *, cursor: str | None, limit: int
) -> Page[DatasetVersion]:
    """Newest first."""
    get_dataset(session, identity, dataset_id)
    return queries.page_of_versions(session, dataset_id, cursor=cursor, limit=limit)


def list_items(
    session: Session, identity: Identity, version_id: UUID, *, cursor: str | None, limit: int
) -> Page[DatasetItem]:
    """The clips of a version, by clip id."""
    get_version(session, identity, version_id)
    return queries.page_of_items(session, version_id, cursor=cursor, limit=limit)


def set_items(
    session: Session,
    identity: Identity,
    *,
    version_id: UUID,
    version: int,
    clip_ids: Collection[UUID] | None = None,
) -> DatasetVersion:
    """Replaces what a draft holds: the clips named, or (None) every clip whose labels are accepted.

    Raises VersionFrozen, StaleVersion, or InvalidRequest for a clip that is not there or not labelled.
    """
    require(identity, Permission.DATASET_COMPOSE)
    draft = get_version(session, identity, version_id, lock=True)
    if draft.state == "frozen":
        raise VersionFrozen
    if draft.version != version:
        raise StaleVersion(f"It is at version {draft.version} by now")
    wanted = list(dict.fromkeys(labelled_clip_ids(session) if clip_ids is None else clip_ids))
    found = _usable(session, wanted)
    session.execute(delete(DatasetItem).where(DatasetItem.dataset_version_id == version_id))
    session.add_all(
        DatasetItem(dataset_version_id=version_id, clip_id=c, exercise_id=found[c]) for c in wanted
    )
    draft.version += 1
    session.flush()
    details = {"clips": len(wanted), "sha256": digest_of_lines(str(c) for c in sorted(wanted))}
    subject = ("dataset_version", version_id)
    append(session, identity, Tag.DATASET_VERSION_UPDATE, subject=subject, details=details)
    return draft


def _usable(session: Session, clip_ids: list[UUID]) -> dict[UUID, UUID]:
    """The exercise of each clip; raises InvalidRequest naming clips that are missing, withdrawn or unlabelled."""
    if len(clip_ids) > MAX_ITEMS:
        raise InvalidRequest(f"A version takes at most {MAX_ITEMS} clips")
    clips = queries.clips_with_exercise(session, clip_ids)
    labelled = accepted_annotations(session, clip_ids)
    bad = [str(c) for c in clip_ids if c not in labelled or c not in clips or clips[c][1].state != "ready"]
    if bad:
        raise InvalidRequest(
            f"Not a clip with accepted labels: {', '.join(bad[:5])}" + (" …" if bad[5:] else "")
        )
    if twice := held_twice(clips):
        raise InvalidRequest("; ".join(twice[:5]) + (" …" if twice[5:] else ""))
    return {clip_id: recording.exercise_id for clip_id, (_, recording) in clips.items()}
