"""A collection with its root of trust, and releases as far along as a test wants them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from uuid import UUID

from securesystemslib.signer import CryptoSigner
from sqlalchemy.orm import Session

from app.accounts.models import SigningKey
from app.core.clock import now
from app.core.db import Database
from app.core.identity import Identity, Role
from app.core.ids import new_id
from app.datasets import service as datasets
from app.datasets.models import DatasetVersion
from app.manifest.keys import key_from_dict, key_to_dict
from app.manifest.root import RootKeys, compose_root, sign_root
from app.manifest.signoff import sign_payload
from app.releases import tasks
from app.releases.models import Release
from app.releases.online_keys import OnlineKeys
from app.releases.service import collections, composing, publishing
from app.settings import Settings
from app.storage.vault import Vault
from tests.factories.accounts import identity_of, make_identity, make_person
from tests.factories.annotation import make_labelled_recording
from tests.factories.recordings import job_context


@dataclass
class Approver:
    """A person with a signing key of their own."""

    identity: Identity
    signer: CryptoSigner


@dataclass
class Stage:
    """The people and keys around one collection, and the service's resources."""

    database: Database
    settings: Settings
    vault: Vault
    slug: str
    manager: Identity
    administrator: Identity
    approvers: list[Approver]
    root_signers: list[CryptoSigner]

    @property
    def keys(self) -> OnlineKeys:
        return OnlineKeys.from_settings(self.settings)

    def root_document(self, session: Session, **changes: object) -> dict[str, object]:
        """What a ceremony brings back, with members of RootKeys replaced by `changes`."""
        asked = collections.ceremony(session, self.administrator, self.keys, slug=self.slug)
        online = {role: [key_from_dict(k) for k in found] for role, found in asked["online_keys"].items()}
        parts: dict[str, object] = {
            "root": [s.public_key for s in self.root_signers],
            "targets": [key_from_dict(k) for k in asked["targets_keys"]],
            "snapshot": online["snapshot"],
            "timestamp": online["timestamp"],
        }
        root = compose_root(str(changes.pop("repo_id", asked["repo_id"])), RootKeys(**parts | changes), now())  # type: ignore[arg-type]
        sign_root(root, self.root_signers[:2])
        document: dict[str, object] = json.loads(root.to_bytes())
        return document

    def sign(self, session: Session, release_id: UUID, approver: Approver) -> Release:
        release = session.get_one(Release, release_id)
        signature = sign_payload(approver.signer, release.targets_payload or b"")
        return composing.add_signature(
            session,
            approver.identity,
            release_id=release_id,
            keyid=approver.signer.public_key.keyid,
            signature=signature.signature,
        )

    def freeze(self, session: Session) -> DatasetVersion:
        """A frozen version of every labelled clip, none of it sealed."""
        dataset = collections.dataset_of(session, self.slug)
        made = datasets.create_version(
            session,
            self.manager,
            dataset_id=dataset.id,
            splits={"train": 1.0, "validation": 0.0, "test": 0.0},
        )
        datasets.set_items(session, self.manager, version_id=made.id, version=made.version)
        return datasets.freeze_version(session, self.manager, version_id=made.id)

    def build(self) -> UUID:
        """Freezes, asks for a release and runs its job on the spot; returns the built release's id."""
        with self.database.transaction() as session:
            release = composing.create_release(
                session, self.manager, version_id=self.freeze(session).id, notes=""
            )
        tasks.build(
            job_context(self.database, self.settings, self.vault, job_id=release.job_id or 0),
            release_id=release.id,
        )
        return release.id

    def publish(self) -> UUID:
        """Builds, signs twice and publishes; returns the release's id."""
        release_id = self.build()
        with self.database.transaction() as session:
            composing.request_sign_off(session, self.manager, self.keys, release_id=release_id)
            for approver in self.approvers[:2]:
                self.sign(session, release_id, approver)
            publishing.publish_release(session, self.manager, self.keys, self.vault, release_id=release_id)
        return release_id


def make_approver(session: Session) -> Approver:
    """An approver with a registered signing key."""
    person = make_person(session, roles=[Role.APPROVER])
    signer = CryptoSigner.generate_ed25519()
    session.add(
        SigningKey(
            id=new_id(),
            person_id=person.id,
            keyid=signer.public_key.keyid,
            public=key_to_dict(signer.public_key),
        )
    )
    session.flush()
    return Approver(identity_of(person), signer)


def make_stage(
    database: Database,
    settings: Settings,
    vault: Vault,
    *,
    ceremony: bool = True,
    labelled: bool = True,
    slug: str = "firearm-attack",
) -> Stage:
    """A dataset; with `labelled`, one labelled recording for it; with `ceremony`, its root of trust too."""
    with database.transaction() as session:
        if labelled:
            make_labelled_recording(session, vault)
        stage = Stage(
            database,
            settings,
            vault,
            slug,
            make_identity(session, Role.RELEASE_MANAGER),
            make_identity(session, Role.ADMINISTRATOR),
            [make_approver(session) for _ in range(3)],
            [CryptoSigner.generate_ed25519() for _ in range(3)],
        )
        datasets.create_dataset(
            session, stage.manager, slug=stage.slug, name="Firearm attack", description=""
        )
        if ceremony:
            collections.install_root(
                session,
                stage.administrator,
                stage.keys,
                slug=stage.slug,
                document=stage.root_document(session),
            )
    return stage
