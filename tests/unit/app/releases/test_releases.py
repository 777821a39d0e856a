"""From a frozen version to a published repository: who must sign, what is refused, what stays the same."""

from __future__ import annotations

import hashlib

import pytest
from securesystemslib.signer import CryptoSigner
from sqlalchemy import select

from app.accounts.models import SigningKey
from app.core.clock import now
from app.core.db import Database
from app.core.errors import Forbidden, NotFound
from app.core.identity import Role
from app.datasets.models import DatasetItem
from app.manifest.repository import PublishedState
from app.recordings.models import Recording
from app.releases import queries
from app.releases.models import Release, TufTarget
from app.releases.service import collections, composing, publishing
from app.releases.service.errors import (
    CeremonyHeld,
    CeremonyNeeded,
    OwnComposition,
    ReleaseState,
    RootRefused,
    SignatureRefused,
    SignedTwice,
)
from app.settings import Settings
from app.storage.models import DataKey
from app.storage.vault import Vault
from tests.factories.accounts import make_identity
from tests.factories.annotation import make_labelled_recording
from tests.factories.releases import Approver, Stage, make_stage


@pytest.fixture
def stage(database: Database, settings: Settings, vault: Vault) -> Stage:
    return make_stage(database, settings, vault)


@pytest.fixture
def waiting(stage: Stage) -> Release:
    """A release that waits for signatures."""
    release_id = stage.build()
    with stage.database.transaction() as session:
        return composing.request_sign_off(session, stage.manager, stage.keys, release_id=release_id)


def test_a_release_needs_a_root_of_trust(database: Database, settings: Settings, vault: Vault) -> None:
    stage = make_stage(database, settings, vault, ceremony=False)
    with database.transaction() as session:
        version = stage.freeze(session)
        with pytest.raises(CeremonyNeeded):
            composing.create_release(session, stage.manager, version_id=version.id, notes="")


def test_a_root_that_differs_from_what_was_asked_is_refused(
    database: Database, settings: Settings, vault: Vault
) -> None:
    stage = make_stage(database, settings, vault, ceremony=False)
    foreign = [CryptoSigner.generate_ed25519().public_key for _ in range(2)]

    def install(**changes: object) -> None:
        with database.transaction() as session:
            document = stage.root_document(session, **changes)
            collections.install_root(
                session, stage.administrator, stage.keys, slug=stage.slug, document=document
            )

    for changes, why in (
        ({"targets": foreign}, "approver"),
        ({"timestamp": foreign[:1]}, "timestamp"),
        ({"repo_id": "another"}, "repository"),
    ):
        with pytest.raises(RootRefused, match=why):
            install(**changes)
    install()
    with pytest.raises(CeremonyHeld):
        install()


def test_two_builds_of_the_same_version_have_the_same_shards(stage: Stage) -> None:
    with stage.database.transaction() as session:
        version = stage.freeze(session)
        ids = [
            composing.create_release(session, stage.manager, version_id=version.id, notes="").id
            for _ in range(2)
        ]
    from app.releases import tasks
    from tests.factories.recordings import job_context

    for number, release_id in enumerate(ids):
        tasks.build(
            job_context(stage.database, stage.settings, stage.vault, job_id=number), release_id=release_id
        )
    with stage.database.transaction() as session:
        shards = session.scalars(select(TufTarget).where(TufTarget.path.startswith("shards/"))).all()
        built = [session.get_one(Release, release_id) for release_id in ids]
        stored = stage.vault.open(session.get_one(DataKey, shards[0].data_key_id), shards[0].blob_key).read()
    assert [r.state for r in built] == ["built", "built"]
    assert len(shards) == 1  # byte-identical: the second release shares the first one's
    assert hashlib.sha256(stored).digest() == shards[0].sha256


def test_the_test_split_is_never_packed(stage: Stage) -> None:
    with stage.database.transaction() as session:
        dataset = collections.dataset_of(session, stage.slug)
        from app.datasets import service as datasets

        made = datasets.create_version(
            session,
            stage.manager,
            dataset_id=dataset.id,
            splits={"train": 0.0, "validation": 0.0, "test": 1.0},
        )
        datasets.set_items(session, stage.manager, version_id=made.id, version=made.version)
        datasets.freeze_version(session, stage.manager, version_id=made.id)
        release = composing.create_release(session, stage.manager, version_id=made.id, notes="")
    from app.releases import tasks
    from tests.factories.recordings import job_context

    tasks.build(job_context(stage.database, stage.settings, stage.vault), release_id=release.id)
    with stage.database.transaction() as session:
        found = session.get_one(Release, release.id)
        items = session.scalars(select(DatasetItem).where(DatasetItem.dataset_version_id == made.id)).all()
    assert {i.split for i in items} == {"test"}
    assert found.state == "failed"
    assert "test split" in (found.reason or "")


def test_footage_withdrawn_after_the_freeze_stops_the_build(stage: Stage) -> None:
    with stage.database.transaction() as session:
        release = composing.create_release(
            session, stage.manager, version_id=stage.freeze(session).id, notes=""
        )
        session.scalars(select(Recording)).one().state = "withdrawn"
    from app.releases import tasks
    from tests.factories.recordings import job_context

    tasks.build(job_context(stage.database, stage.settings, stage.vault), release_id=release.id)
    with stage.database.transaction() as session:
        assert "withdrawn" in (session.get_one(Release, release.id).reason or "")


def test_two_different_approvers_make_it_signed(stage: Stage, waiting: Release) -> None:
    with stage.database.transaction() as session:
        assert stage.sign(session, waiting.id, stage.approvers[0]).state == "awaiting_sign_off"
        with pytest.raises(SignedTwice):
            stage.sign(session, waiting.id, stage.approvers[0])
        assert stage.sign(session, waiting.id, stage.approvers[1]).state == "signed"
        with pytest.raises(ReleaseState):
            stage.sign(session, waiting.id, stage.approvers[2])


def test_a_composer_never_signs(stage: Stage, waiting: Release) -> None:
    approver = stage.approvers[0]
    with stage.database.transaction() as session:
        session.get_one(Release, waiting.id).composed_by = approver.identity.person_id  # type: ignore[assignment]
        with pytest.raises(OwnComposition):
            stage.sign(session, waiting.id, approver)
        with pytest.raises(Forbidden):
            stage.sign(session, waiting.id, Approver(stage.manager, approver.signer))


def test_a_wrong_or_foreign_signature_is_refused(stage: Stage, waiting: Release) -> None:
    approver, other = stage.approvers[:2]
    keyid = approver.signer.public_key.keyid
    with stage.database.transaction() as session:
        for key, signature in (
            (keyid, "00" * 64),
            (keyid, other.signer.sign(waiting.targets_payload or b"").signature),
            (other.signer.public_key.keyid, other.signer.sign(waiting.targets_payload or b"").signature),
        ):
            with pytest.raises(SignatureRefused):
                composing.add_signature(
                    session, approver.identity, release_id=waiting.id, keyid=key, signature=signature
                )
        session.scalars(select(SigningKey).where(SigningKey.keyid == keyid)).one().revoked_at = now()
        session.flush()
        with pytest.raises(SignatureRefused):
            stage.sign(session, waiting.id, approver)


def test_nothing_is_published_without_two_signatures(stage: Stage, waiting: Release) -> None:
    for approver in (None, stage.approvers[0]):
        with stage.database.transaction() as session:
            if approver:
                stage.sign(session, waiting.id, approver)
            with pytest.raises(ReleaseState):
                publishing.publish_release(
                    session, stage.manager, stage.keys, stage.vault, release_id=waiting.id
                )
    with stage.database.transaction() as session:
        repository = queries.repository_of(session, waiting.dataset_id)
        assert repository is not None
        assert list(queries.metadata_files(session, repository.id)) == ["1.root.json"]


def test_publishing_supersedes_and_goes_up_by_one(stage: Stage) -> None:
    first = stage.publish()
    with stage.database.transaction() as session:
        make_labelled_recording(session, stage.vault, title="Second")
    second = stage.publish()
    with stage.database.transaction() as session:
        states = [session.get_one(Release, i).state for i in (first, second)]
        repository = queries.repository_of(session, session.get_one(Release, first).dataset_id)
        assert repository is not None
        files = queries.metadata_files(session, repository.id)
    published = PublishedState.load(files)
    assert states == ["superseded", "published"]
    assert published.targets is not None
    assert published.targets.signed.version == 2
    assert {"1.targets.json", "2.targets.json"} <= set(files)


def test_a_sign_off_overtaken_by_another_release_is_asked_for_again(stage: Stage, waiting: Release) -> None:
    with stage.database.transaction() as session:
        for approver in stage.approvers[:2]:
            stage.sign(session, waiting.id, approver)
    stage.publish()
    with stage.database.transaction() as session:
        with pytest.raises(ReleaseState, match="compose and sign again"):
            publishing.publish_release(session, stage.manager, stage.keys, stage.vault, release_id=waiting.id)
        again = composing.request_sign_off(session, stage.manager, stage.keys, release_id=waiting.id)
        assert (again.state, again.signatures) == ("awaiting_sign_off", [])
        for approver in stage.approvers[:2]:
            stage.sign(session, waiting.id, approver)
        publishing.publish_release(session, stage.manager, stage.keys, stage.vault, release_id=waiting.id)


def test_a_manifest_changed_in_the_store_is_not_published(stage: Stage, waiting: Release) -> None:
    with stage.database.transaction() as session:
        for approver in stage.approvers[:2]:
            stage.sign(session, waiting.id, approver)
        target = session.scalars(select(TufTarget).where(TufTarget.path.endswith("manifest.jsonl"))).one()
        key = session.get_one(DataKey, target.data_key_id)
        import io

        stage.vault.write(key, target.blob_key, io.BytesIO(b'{"forged":true}\n'))
        with pytest.raises(ReleaseState, match="changed in the store"):
            publishing.publish_release(session, stage.manager, stage.keys, stage.vault, release_id=waiting.id)


def test_a_refresh_signs_only_the_timestamp(stage: Stage) -> None:
    release_id = stage.publish()
    with stage.database.transaction() as session:
        repository = queries.repository_of(session, session.get_one(Release, release_id).dataset_id)
        assert repository is not None
        before = queries.metadata_files(session, repository.id)
        publishing.refresh_repository(session, stage.keys, repository.id)
        after = queries.metadata_files(session, repository.id)
    assert {name for name in after if after[name] != before.get(name)} == {"timestamp.json"}


def test_officers_and_partners_see_no_release_here(stage: Stage) -> None:
    release_id = stage.publish()
    with stage.database.transaction() as session:
        for role in (Role.DATA_OFFICER, Role.PARTNER_ENGINEER, Role.ANNOTATOR):
            with pytest.raises(Forbidden):
                composing.get_release(session, make_identity(session, role), release_id)
        from app.core.ids import new_id

        with pytest.raises(NotFound):
            composing.get_release(session, stage.manager, new_id())
