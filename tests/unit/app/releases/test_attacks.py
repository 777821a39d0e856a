"""What a withdrawing force, a compromised administrator, a curious partner and bad luck do to releases."""

from __future__ import annotations

import copy
from typing import Any
from uuid import UUID

import pytest
from securesystemslib.signer import CryptoSigner
from sqlalchemy import select

from app.audit.models import AuditEvent
from app.core.db import Database
from app.core.errors import NotFound
from app.core.identity import Role
from app.manifest.keys import key_to_dict
from app.manifest.root import parse_root, sign_root
from app.recordings.models import Recording
from app.releases.models import Release, TufTarget
from app.releases.service import collections, composing, fetching, publishing, sweeping
from app.releases.service.errors import FootageWithdrawn, RootRefused
from app.settings import Settings
from app.storage.vault import Vault
from tests.factories.accounts import make_identity, make_organisation
from tests.factories.annotation import make_labelled_recording
from tests.factories.grants import open_grant
from tests.factories.releases import Stage, make_stage


@pytest.fixture
def stage(database: Database, settings: Settings, vault: Vault) -> Stage:
    return make_stage(database, settings, vault)


def withdraw_all(stage: Stage) -> None:
    with stage.database.transaction() as session:
        for recording in session.scalars(select(Recording)):
            recording.state = "withdrawn"


def test_footage_withdrawn_after_the_build_is_neither_signed_nor_published(stage: Stage) -> None:
    release_id = stage.build()
    with stage.database.transaction() as session:
        composing.request_sign_off(session, stage.manager, stage.keys, release_id=release_id)
        stage.sign(session, release_id, stage.approvers[0])
    with stage.database.transaction() as session:
        stage.sign(session, release_id, stage.approvers[1])
    withdraw_all(stage)
    with stage.database.transaction() as session, pytest.raises(FootageWithdrawn):
        publishing.publish_release(session, stage.manager, stage.keys, stage.vault, release_id=release_id)
    another = stage_release(stage, "built")
    with stage.database.transaction() as session, pytest.raises(FootageWithdrawn):
        composing.request_sign_off(session, stage.manager, stage.keys, release_id=another)
    third = stage_release(stage, "awaiting_sign_off")
    with stage.database.transaction() as session, pytest.raises(FootageWithdrawn):
        stage.sign(session, third, stage.approvers[2])


def stage_release(stage: Stage, state: str) -> UUID:
    """The one release there is, put into that state and without signatures."""
    with stage.database.transaction() as session:
        release = session.scalars(select(Release)).one()
        release.state, release.targets_version = state, None
        release.signatures.clear()
        return release.id


def test_what_was_superseded_can_no_longer_be_fetched(stage: Stage) -> None:
    """Its shards may hold what was withdrawn since, and a partner admitted later knows the paths from old metadata."""
    stage.publish()
    with stage.database.transaction() as session:
        company = make_organisation(session, kind="partner")
        open_grant(session, stage, company)
        engineer = make_identity(session, Role.PARTNER_ENGINEER, organisation=company)
        old = {(t.path, t.sha256.hex()) for t in session.scalars(select(TufTarget))}
    withdraw_all(stage)
    with stage.database.transaction() as session:
        make_labelled_recording(session, stage.vault, title="Second")
    stage.publish()
    with stage.database.transaction() as session:
        now_open = {
            (t.path, t.sha256.hex()) for t in session.scalars(select(TufTarget).where(TufTarget.published))
        }
        assert now_open
        assert not now_open & old
        for path, sha256 in old:
            directory, _, name = path.rpartition("/")
            with pytest.raises(NotFound):
                fetching.hand_out(
                    session, engineer, slug=stage.slug, path=f"{directory}/{sha256}.{name}", byte_range=""
                )


def test_an_administrator_cannot_pass_a_key_off_as_an_approvers(
    database: Database, settings: Settings, vault: Vault
) -> None:
    stage = make_stage(database, settings, vault, ceremony=False)
    mallory = key_to_dict(CryptoSigner.generate_ed25519().public_key)
    with database.transaction() as session:
        honest = stage.root_document(session)
    for role in ("targets", "timestamp"):
        forged = copy.deepcopy(honest)
        forged["signed"]["keys"][honest["signed"]["roles"][role]["keyids"][0]] = mallory  # type: ignore[index]
        with database.transaction() as session, pytest.raises(RootRefused):
            install(session, stage, resigned(stage, forged))


def test_one_root_key_under_several_names_is_refused(
    database: Database, settings: Settings, vault: Vault
) -> None:
    stage = make_stage(database, settings, vault, ceremony=False)
    with database.transaction() as session:
        forged: Any = stage.root_document(session)
    one, two, three = forged["signed"]["roles"]["root"]["keyids"]
    keys = forged["signed"]["keys"]
    keys[two], keys[three] = dict(keys[one]), dict(keys[one])
    signature = next(s for s in resigned(stage, forged, check=False)["signatures"] if s["keyid"] == one)
    forged["signatures"] = [{"keyid": key, "sig": signature["sig"]} for key in (one, two)]
    with database.transaction() as session, pytest.raises(RootRefused, match="of its own"):
        install(session, stage, forged)


def resigned(stage: Stage, document: dict[str, Any], *, check: bool = True) -> dict[str, Any]:
    """The document under fresh signatures of the ceremony's root keys, which here are the attacker's."""
    from tuf.api.metadata import Metadata

    root = Metadata.from_dict(copy.deepcopy(document))
    root.signatures.clear()
    if check:
        sign_root(root, stage.root_signers[:2])
        parse_root(root.to_bytes())
    else:
        for signer in stage.root_signers:
            root.sign(signer, append=True)
    return dict(root.to_dict())


def install(session: Any, stage: Stage, document: dict[str, Any]) -> None:
    collections.install_root(session, stage.administrator, stage.keys, slug=stage.slug, document=document)


def test_a_build_whose_job_gave_up_says_so(stage: Stage) -> None:
    with stage.database.transaction() as session:
        version = stage.freeze(session)
        release = composing.create_release(session, stage.manager, version_id=version.id, notes="")
    sweeping.fail_abandoned(stage.database)
    with stage.database.transaction() as session:
        assert session.get_one(Release, release.id).state == "building"  # its job waits
        session.connection().exec_driver_sql("UPDATE procrastinate_jobs SET status = 'failed'")
    sweeping.fail_abandoned(stage.database)
    with stage.database.transaction() as session:
        found = session.get_one(Release, release.id)
        assert found.state == "failed"
        assert found.reason
        assert session.scalars(select(AuditEvent).where(AuditEvent.tag == "release:failed")).one()
