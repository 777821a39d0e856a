"""What the release feature reads."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from uuid import UUID

from sqlalchemy import Select, func, select, update
from sqlalchemy.orm import Session

from app.accounts.models import Person, SigningKey
from app.core.identity import Role
from app.core.pagination import Page, paginate
from app.datasets.models import Dataset, DatasetItem
from app.partners.models import Agreement
from app.recordings.models import Clip, Recording
from app.releases.models import Grant, Release, TufMetadata, TufRepository, TufTarget
from app.storage.models import DataKey

RELEASED_SPLITS = ("train", "validation")  # the test split is for sealed evaluation and never leaves


def repository_of(session: Session, dataset_id: UUID, *, lock: bool = False) -> TufRepository | None:
    """The collection's repository; None until its ceremony was held."""
    query = select(TufRepository).where(TufRepository.dataset_id == dataset_id)
    return session.scalar(query.with_for_update(of=TufRepository) if lock else query)


def metadata_files(session: Session, repository_id: UUID) -> dict[str, bytes]:
    """The repository's metadata files by name."""
    rows = session.execute(
        select(TufMetadata.filename, TufMetadata.content).where(TufMetadata.repository_id == repository_id)
    )
    return {name: bytes(content) for name, content in rows}


def metadata_file(session: Session, repository_id: UUID, filename: str) -> bytes | None:
    found = session.get(TufMetadata, (repository_id, filename))
    return found.content if found else None


def blob_keys(session: Session, release_id: UUID) -> set[str]:
    """Where the targets that a release brought are stored."""
    return set(session.scalars(select(TufTarget.blob_key).where(TufTarget.release_id == release_id)))


def unused_keys(session: Session, release_id: UUID) -> list[DataKey]:
    """Live data keys that were made for a release's targets and that none of them uses."""
    used = select(TufTarget.data_key_id).where(TufTarget.release_id == release_id)
    made = (DataKey.subject_kind == "release", DataKey.subject_id == release_id)
    return list(
        session.scalars(select(DataKey).where(*made, DataKey.wrapped.is_not(None), DataKey.id.not_in(used)))
    )


def target(session: Session, repository_id: UUID, path: str, sha256: bytes) -> TufTarget | None:
    """One target by its path and content, whichever release brought it."""
    return session.scalar(
        select(TufTarget).where(
            TufTarget.repository_id == repository_id, TufTarget.path == path, TufTarget.sha256 == sha256
        )
    )


def targets_of(session: Session, release_id: UUID) -> list[TufTarget]:
    return list(
        session.scalars(select(TufTarget).where(TufTarget.release_id == release_id).order_by(TufTarget.path))
    )


def next_number(session: Session, dataset_id: UUID) -> int:
    """The number of the dataset's next release, from 1; the caller holds the dataset's row lock."""
    return (session.scalar(select(func.max(Release.number)).where(Release.dataset_id == dataset_id)) or 0) + 1


def page_of_releases(
    session: Session,
    *,
    dataset_ids: Iterable[UUID] | None,
    states: Iterable[str],
    cursor: str | None,
    limit: int,
) -> Page[Release]:
    """Newest first; `dataset_ids` None means all."""
    query = select(Release)
    if dataset_ids is not None:
        query = query.where(Release.dataset_id.in_(list(dataset_ids)))
    if states := list(states):
        query = query.where(Release.state.in_(states))
    return paginate(session, query, Release.id, cursor=cursor, limit=limit)


def close_targets(session: Session, repository_id: UUID) -> None:
    """Nothing of the repository can be fetched until `published` is set again."""
    closing = update(TufTarget).where(TufTarget.repository_id == repository_id, TufTarget.published)
    session.execute(closing.values(published=False))


def published_releases(session: Session, dataset_id: UUID) -> list[Release]:
    return list(
        session.scalars(select(Release).where(Release.dataset_id == dataset_id, Release.state == "published"))
    )


def items_to_pack(
    session: Session, version_id: UUID, splits: Iterable[str]
) -> list[tuple[DatasetItem, Clip, Recording]]:
    """The frozen items of those splits with clip and recording, by clip id as text: the order of a shard's keys."""
    rows = session.execute(
        select(DatasetItem, Clip, Recording)
        .join(Clip, Clip.id == DatasetItem.clip_id)
        .join(Recording, Recording.id == Clip.recording_id)
        .where(DatasetItem.dataset_version_id == version_id, DatasetItem.split.in_(list(splits)))
        .order_by(DatasetItem.clip_id)
    )
    return [(item, clip, recording) for item, clip, recording in rows]


def footage_gone(session: Session, version_id: UUID) -> bool:
    """True when a recording that a release of the version would hand out may not be used any more.

    The recordings are locked against being withdrawn until the transaction ends.
    """
    clips = select(Clip.recording_id).join(DatasetItem, DatasetItem.clip_id == Clip.id)
    released = clips.where(
        DatasetItem.dataset_version_id == version_id, DatasetItem.split.in_(RELEASED_SPLITS)
    )
    query = select(Recording.state).where(Recording.id.in_(released)).order_by(Recording.id)
    return any(state != "ready" for state in session.scalars(query.with_for_update(read=True)))


def released_recordings(session: Session, version_id: UUID) -> list[UUID]:
    """The recordings whose clips a release of the version would hand out."""
    clips = select(Clip.recording_id).join(DatasetItem, DatasetItem.clip_id == Clip.id).distinct()
    released = (DatasetItem.dataset_version_id == version_id, DatasetItem.split.in_(RELEASED_SPLITS))
    return list(session.scalars(clips.where(*released)))


def released_exercises(session: Session, version_id: UUID) -> list[UUID]:
    """The exercises whose clips a release of the version would hand out."""
    released = (DatasetItem.dataset_version_id == version_id, DatasetItem.split.in_(RELEASED_SPLITS))
    return list(session.scalars(select(DatasetItem.exercise_id).distinct().where(*released)))


def approvers_keys(session: Session) -> list[SigningKey]:
    """The unrevoked signing keys of active approvers, oldest first."""
    return list(
        session.scalars(
            select(SigningKey)
            .join(Person, Person.id == SigningKey.person_id)
            .where(
                SigningKey.revoked_at.is_(None), Person.active, Person.roles.contains([Role.APPROVER.value])
            )
            .order_by(SigningKey.id)
        )
    )


def signing_key(session: Session, person_id: UUID, keyid: str) -> SigningKey | None:
    """The person's own unrevoked key of that id."""
    return session.scalar(
        select(SigningKey).where(
            SigningKey.person_id == person_id, SigningKey.keyid == keyid, SigningKey.revoked_at.is_(None)
        )
    )


def active_grant(session: Session, organisation_id: UUID, dataset_id: UUID, on: date) -> Grant | None:
    """The partner's grant of the collection that holds on that day, inside an agreement that does too."""
    return session.scalar(_active_grants(organisation_id, on).where(Grant.dataset_id == dataset_id).limit(1))


def granted_datasets(session: Session, organisation_id: UUID, on: date) -> list[UUID]:
    """The collections open to the partner on that day."""
    return [grant.dataset_id for grant in session.scalars(_active_grants(organisation_id, on))]


def _active_grants(organisation_id: UUID, on: date) -> Select[Grant]:
    return (
        select(Grant)
        .join(Agreement, Agreement.id == Grant.agreement_id)
        .where(
            Agreement.organisation_id == organisation_id,
            Agreement.state == "active",
            Agreement.starts_on <= on,
            Agreement.ends_on >= on,
            Grant.state == "active",
            Grant.expires_on >= on,
        )
        .order_by(Grant.id)
    )


def page_of_grants(session: Session, *, cursor: str | None, limit: int) -> Page[Grant]:
    return paginate(session, select(Grant), Grant.id, cursor=cursor, limit=limit)


def dataset_by_slug(session: Session, slug: str) -> Dataset | None:
    return session.scalar(select(Dataset).where(Dataset.slug == slug))


def all_repositories(session: Session) -> list[TufRepository]:
    return list(session.scalars(select(TufRepository).order_by(TufRepository.id)))
