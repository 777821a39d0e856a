"""Composing and freezing; what is frozen stays, even for somebody with the database's password."""

from __future__ import annotations

from uuid import UUID

import pytest
from sqlalchemy import delete, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from app.core.db import Database
from app.core.errors import InvalidRequest, StaleVersion
from app.core.identity import Identity, Role
from app.core.ids import new_id
from app.datasets import service
from app.datasets.models import Dataset, DatasetItem, DatasetVersion
from app.datasets.splits import split_of
from app.exercises.models import Exercise
from app.recordings.models import Recording
from app.recordings.queries import clips_of
from app.storage.vault import Vault
from ingest.fingerprint import FrameHash
from tests.factories.accounts import make_identity
from tests.factories.annotation import make_labelled_recording
from tests.factories.fingerprints import compare, copied, film, store
from tests.factories.recordings import make_ready_recording


def draft(session: Session, manager: Identity) -> DatasetVersion:
    dataset = service.create_dataset(
        session, manager, slug=f"set-{new_id().hex[:20]}", name="S", description=""
    )
    return service.create_version(session, manager, dataset_id=dataset.id)


def filled(session: Session, manager: Identity) -> DatasetVersion:
    made = draft(session, manager)
    return service.set_items(session, manager, version_id=made.id, version=made.version)


def test_a_frozen_version_holds_labels_splits_and_digest(database: Database, vault: Vault) -> None:
    with database.transaction() as session:
        recording = make_labelled_recording(session, vault)
        frozen = service.freeze_version(
            session,
            manager := make_identity(session, Role.RELEASE_MANAGER),
            version_id=filled(session, manager).id,
        )
        items = service.list_items(session, manager, frozen.id, cursor=None, limit=50).items
    assert frozen.state == "frozen"
    assert len(frozen.digest or b"") == 32
    assert {i.exercise_id for i in items} == {recording.exercise_id}
    assert len({i.split for i in items}) == 1  # one exercise, one split
    labels = [label for i in items for label in (i.labels or {})["labels"]]
    assert [(x["label"], x["start_frame"], x["start_pts"]) for x in labels] == [
        ("gunshot", 5, 500),
        ("gunshot", 55, 5500),
    ]


def test_the_same_contents_have_the_same_digest(database: Database, vault: Vault) -> None:
    with database.transaction() as session:
        make_labelled_recording(session, vault)
        manager = make_identity(session, Role.RELEASE_MANAGER)
        dataset = service.create_dataset(session, manager, slug="twice", name="S", description="")
        digests = []
        for _ in range(2):
            made = service.create_version(session, manager, dataset_id=dataset.id)
            service.set_items(session, manager, version_id=made.id, version=made.version)
            digests.append(service.freeze_version(session, manager, version_id=made.id).digest)
    assert digests[0] == digests[1]


@pytest.mark.parametrize("missing", ["lawful_basis", "consent_record"])
def test_footage_without_basis_or_consent_is_not_frozen(
    database: Database, vault: Vault, missing: str
) -> None:
    with database.transaction() as session:
        recording = make_labelled_recording(session, vault)
        setattr(session.get_one(Exercise, recording.exercise_id), missing, None)
        manager = make_identity(session, Role.RELEASE_MANAGER)
        made = filled(session, manager)
    with (
        database.transaction() as session,
        pytest.raises(service.NotReleasable, match=missing.replace("_", " ")),
    ):
        service.freeze_version(session, manager, version_id=made.id)
    with database.transaction() as session:
        assert session.get_one(DatasetVersion, made.id).state == "draft"


def test_withdrawn_footage_is_not_frozen(database: Database, vault: Vault) -> None:
    with database.transaction() as session:
        recording = make_labelled_recording(session, vault)
        manager = make_identity(session, Role.RELEASE_MANAGER)
        made = filled(session, manager)
        recording.state = "withdrawn"
    with database.transaction() as session, pytest.raises(service.NotReleasable, match="no longer ready"):
        service.freeze_version(session, manager, version_id=made.id)


def test_an_empty_version_is_not_frozen(database: Database) -> None:
    with database.transaction() as session:
        manager = make_identity(session, Role.RELEASE_MANAGER)
        with pytest.raises(service.NotReleasable, match="no clips"):
            service.freeze_version(session, manager, version_id=draft(session, manager).id)


def test_only_labelled_clips_are_composed(database: Database, vault: Vault) -> None:
    with database.transaction() as session:
        unlabelled = make_ready_recording(session, vault)
        session.refresh(unlabelled, ["clips"])
        manager = make_identity(session, Role.RELEASE_MANAGER)
        made = draft(session, manager)
        with pytest.raises(InvalidRequest, match="accepted labels"):
            service.set_items(
                session, manager, version_id=made.id, version=made.version, clip_ids=[unlabelled.clips[0].id]
            )
        with pytest.raises(StaleVersion):
            service.set_items(session, manager, version_id=made.id, version=made.version + 1)


def test_a_frozen_version_is_refused_by_service_and_database(database: Database, vault: Vault) -> None:
    with database.transaction() as session:
        make_labelled_recording(session, vault)
        manager = make_identity(session, Role.RELEASE_MANAGER)
        frozen = service.freeze_version(session, manager, version_id=filled(session, manager).id)
        with pytest.raises(service.VersionFrozen):
            service.set_items(session, manager, version_id=frozen.id, version=frozen.version)
        with pytest.raises(service.VersionFrozen):
            service.freeze_version(session, manager, version_id=frozen.id)
    for statement in (
        update(DatasetVersion).where(DatasetVersion.id == frozen.id).values(number=99),
        update(DatasetItem).where(DatasetItem.dataset_version_id == frozen.id).values(split="test"),
        delete(DatasetItem).where(DatasetItem.dataset_version_id == frozen.id),
        delete(DatasetVersion).where(DatasetVersion.id == frozen.id),
    ):
        with pytest.raises(DBAPIError, match="frozen"), database.transaction() as session:
            session.execute(statement)


def test_a_later_version_cannot_move_the_sealed_test_split(database: Database, vault: Vault) -> None:
    """A split is a function of exercise and salt alone: other proportions would release what was held back."""
    sealed, opened = ({"train": t, "validation": 0.0, "test": 1 - t} for t in (0.0, 1.0))
    with database.transaction() as session:
        make_labelled_recording(session, vault)
        manager = make_identity(session, Role.RELEASE_MANAGER)
        dataset = service.create_dataset(session, manager, slug="attacks", name="Attacks", description="")
        first, second = (
            service.create_version(session, manager, dataset_id=dataset.id, splits=splits)
            for splits in (sealed, opened)
        )
        for version in (first, second):
            service.set_items(session, manager, version_id=version.id, version=version.version)
        service.freeze_version(session, manager, version_id=first.id)
        with pytest.raises(service.NotReleasable, match="fixed"):
            service.freeze_version(session, manager, version_id=second.id)
        with pytest.raises(InvalidRequest, match="fixed"):
            service.create_version(session, manager, dataset_id=dataset.id, splits=opened)
        assert service.create_version(session, manager, dataset_id=dataset.id).splits == sealed


def filmed(session: Session, vault: Vault, title: str, hashes: list[FrameHash]) -> Recording:
    """A labelled recording of an exercise of that title, with a file and a fingerprint of its own."""
    made = make_labelled_recording(session, vault, title=title)
    made.sha256 = made.id.bytes * 2
    store(session, made, hashes)
    return made


def frozen_splits(
    session: Session, manager: Identity, dataset: Dataset, *recordings: Recording
) -> dict[UUID, tuple[str | None, UUID | None]]:
    """A new version of those recordings' clips, frozen: split and whose place it is, by exercise."""
    made = service.create_version(session, manager, dataset_id=dataset.id)
    clips = [clip.id for one in recordings for clip in session.scalars(clips_of(one))]
    service.set_items(session, manager, version_id=made.id, version=made.version, clip_ids=clips)
    frozen = service.freeze_version(session, manager, version_id=made.id)
    items = service.list_items(session, manager, frozen.id, cursor=None, limit=50).items
    return {item.exercise_id: (item.split, item.split_by) for item in items}


def test_exercises_that_share_footage_are_frozen_into_one_split(database: Database, vault: Vault) -> None:
    with database.transaction() as session:
        manager = make_identity(session, Role.RELEASE_MANAGER)
        dataset = service.create_dataset(session, manager, slug="shared", name="S", description="")
        dataset.salt = b"\x05" * 32
        films = [filmed(session, vault, f"No {n}", film(n)) for n in range(3)]
    with (
        database.transaction() as session,
        pytest.raises(service.NotReleasable, match="still being compared"),
    ):
        frozen_splits(session, manager, dataset, films[0])
    compare(database, *films)
    with database.transaction() as session:
        first = frozen_splits(session, manager, dataset, *films)
        assert {by for _, by in first.values()} == {one.exercise_id for one in films}
        later = filmed(session, vault, "Later", copied(film(1), 12))
    compare(database, later)
    with database.transaction() as session:
        found = frozen_splits(session, manager, dataset, later)
        assert found == {later.exercise_id: first[films[1].exercise_id]}
        assert frozen_splits(session, manager, dataset, later, *films) == first | found


def test_what_would_leak_between_splits_is_refused_by_name(database: Database, vault: Vault) -> None:
    apart = {"train": 0.5, "validation": 0.0, "test": 0.5}
    with database.transaction() as session:
        manager = make_identity(session, Role.RELEASE_MANAGER)
        dataset = service.create_dataset(session, manager, slug="bridged", name="S", description="")
        films = [filmed(session, vault, f"No {n}", film(n)) for n in range(2)]
        ids = [one.exercise_id for one in films]
        salts = (bytes([n]) * 32 for n in range(256))
        dataset.salt = next(s for s in salts if len({split_of(one, s, apart) for one in ids}) == 2)
        service.create_version(session, manager, dataset_id=dataset.id, splits=apart)
    compare(database, *films)
    with database.transaction() as session:
        version = service.list_versions(session, manager, dataset.id, cursor=None, limit=1).items[0]
        service.set_items(session, manager, version_id=version.id, version=version.version)
        service.freeze_version(session, manager, version_id=version.id)
        both = filmed(session, vault, "Both", copied(film(0)[:10], 4) + film(1)[10:])
    assert compare(database, both) == [2]
    with (
        database.transaction() as session,
        pytest.raises(service.NotReleasable, match=r"“Both” shares footage with “No .” .*leave it out"),
    ):
        frozen_splits(session, manager, dataset, both)
    with database.transaction() as session:
        assert len(frozen_splits(session, manager, dataset, *films)) == 2
