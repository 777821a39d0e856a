"""Composing a version from accepted labels, and freezing it for good."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping
from typing import ClassVar
from uuid import UUID

from sqlalchemy import delete
from sqlalchemy.orm import Session

from app.annotation.queries import accepted_annotations, labelled_clip_ids
from app.annotation.service import ensure_taxonomy
from app.audit.events import Tag
from app.audit.service import append
from app.authz.permissions import Permission
from app.authz.predicates import require, require_person
from app.core.clock import now
from app.core.errors import Conflict, InvalidRequest, NotFound, StaleVersion
from app.core.identity import Identity
from app.core.ids import new_id
from app.core.pagination import Page
from app.custody.service import reasons_against_release
from app.datasets import queries
from app.datasets.contents import digest_of_lines, footage_record, held_twice, item_line, labels_record
from app.datasets.models import Dataset, DatasetItem, DatasetVersion
from app.datasets.placing import place_items
from app.datasets.splits import DEFAULT_PROPORTIONS, check_proportions
from app.recordings.models import Clip, Recording
from app.redaction.service import begun_and_not_finished, footage_of

MAX_ITEMS = 100_000
SPLITS_FIXED = (
    "Splits are fixed by the first frozen version: other ones would let its sealed test exercises out"
)


class SlugTaken(Conflict):
    type: ClassVar[str] = "slug-taken"
    title: ClassVar[str] = "A dataset of that name is there already"


class VersionFrozen(Conflict):
    type: ClassVar[str] = "version-frozen"
    title: ClassVar[str] = "A frozen version never changes: compose a new one"


class NotReleasable(Conflict):
    type: ClassVar[str] = "not-releasable"
    title: ClassVar[str] = "The version cannot be frozen yet"


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


def freeze_version(session: Session, identity: Identity, *, version_id: UUID) -> DatasetVersion:
    """Fixes clips, labels and splits for good, and their digest.

    Raises VersionFrozen, or NotReleasable naming what is missing (clips, labels, a lawful basis, a consent record, a
    sensitivity review, the end of a redaction that was begun) or which exercises share footage and cannot be in one
    split.
    """
    require(identity, Permission.DATASET_COMPOSE)
    draft = get_version(session, identity, version_id, lock=True)
    if draft.state == "frozen":
        raise VersionFrozen
    session.get_one(Dataset, draft.dataset_id, with_for_update={"of": Dataset})  # two freezes take turns
    if queries.fixed_proportions(session, draft.dataset_id) not in (None, draft.splits):
        raise NotReleasable(SPLITS_FIXED)
    items = sorted(draft.items, key=lambda item: item.clip_id)
    if not items:
        raise NotReleasable("It holds no clips: choose some first")
    clips = queries.clips_with_exercise(session, [i.clip_id for i in items])
    labels = accepted_annotations(session, [i.clip_id for i in items])
    _refuse_unreleasable(session, items, clips, set(labels))
    _refuse_for(place_items(session, draft, items))
    footage = footage_of(session, [clip for clip, _ in clips.values()])
    for item in items:
        item.footage = footage_record(footage[item.clip_id])
        item.labels = labels_record(*labels[item.clip_id])
    session.flush()
    draft.digest = bytes.fromhex(digest_of_lines(item_line(item) for item in items))
    draft.state, draft.frozen_at, draft.version = "frozen", now(), draft.version + 1
    session.flush()
    details = {"clips": len(items), "sha256": draft.digest.hex()}
    subject = ("dataset_version", version_id)
    append(session, identity, Tag.DATASET_VERSION_FROZEN, subject=subject, details=details)
    return draft


def _refuse_unreleasable(
    session: Session, items: list[DatasetItem], clips: dict[UUID, tuple[Clip, Recording]], labelled: set[UUID]
) -> None:
    good = {clip_id for clip_id, (_, recording) in clips.items() if recording.state == "ready"} & labelled
    problems = [f"clip {i.clip_id} is no longer ready and labelled" for i in items if i.clip_id not in good]
    problems += held_twice(clips)
    for exercise in queries.exercises(session, {i.exercise_id for i in items}):
        missing = [n for n in ("lawful_basis", "consent_record") if not getattr(exercise, n)]
        problems += [f"exercise “{exercise.title}” has no {n.replace('_', ' ')}" for n in missing]
    problems += reasons_against_release(session, {r.id for _, r in clips.values()})
    for id_, redaction in begun_and_not_finished(session, {r.id for _, r in clips.values()}).items():
        name, state = redaction.recording.filename, redaction.state.replace("_", " ")
        problems.append(
            f"the redaction of “{name}” is {state}: its force must finish it first"
            if redaction.recording_id == id_
            else f"“{name}” was redacted and then joined: its force must redact recording {id_}, too"
        )
    _refuse_for(problems)


def _refuse_for(problems: list[str]) -> None:
    if problems:
        raise NotReleasable("; ".join(problems[:5]) + (" …" if problems[5:] else ""))
