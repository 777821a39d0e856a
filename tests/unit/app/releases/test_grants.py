"""What a partner may fetch, and when that ends."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.audit.models import AuditEvent
from app.core.clock import now
from app.core.db import Database
from app.core.errors import Forbidden, NotFound
from app.core.identity import Identity, Role
from app.releases.models import Grant, Release, TufTarget
from app.releases.service import fetching, grants
from app.releases.service.errors import GrantRefused, GrantState, OwnComposition, SignedTwice
from app.settings import Settings
from app.storage.vault import Vault
from tests.factories.accounts import make_identity, make_organisation
from tests.factories.grants import make_agreement, open_grant, request_grant
from tests.factories.releases import Stage, make_stage


@pytest.fixture
def stage(database: Database, settings: Settings, vault: Vault) -> Stage:
    return make_stage(database, settings, vault)


@pytest.fixture
def partner(stage: Stage) -> tuple[Identity, UUID]:
    """A partner's engineer with an active grant of a published release; and the grant's id."""
    stage.publish()
    with stage.database.transaction() as session:
        company = make_organisation(session, kind="partner")
        grant = open_grant(session, stage, company)
        return make_identity(session, Role.PARTNER_ENGINEER, organisation=company), grant.id


def shard_path(session: Session) -> str:
    target = session.scalars(select(TufTarget).where(TufTarget.path.startswith("shards/"))).one()
    return f"shards/{target.sha256.hex()}.{target.path.removeprefix('shards/')}"


def test_an_active_grant_opens_releases_metadata_and_targets(
    stage: Stage, partner: tuple[Identity, UUID]
) -> None:
    engineer, _ = partner
    with stage.database.transaction() as session:
        assert [
            r.state for r in fetching.granted_releases(session, engineer, cursor=None, limit=5).items
        ] == ["published"]
        assert b"timestamp" in fetching.metadata(
            session, engineer, slug=stage.slug, filename="timestamp.json"
        )
        handed = fetching.hand_out(
            session, engineer, slug=stage.slug, path=shard_path(session), byte_range="whole"
        )
        assert handed.target.size > 0
        disclosures = session.scalars(select(AuditEvent).where(AuditEvent.tag == "download:target")).all()
        assert [(d.verb, d.purpose) for d in disclosures] == [("disclosure", "detector-development")]


def test_nothing_is_there_for_another_partner(stage: Stage, partner: tuple[Identity, UUID]) -> None:
    with stage.database.transaction() as session:
        stranger = make_identity(session, Role.PARTNER_ENGINEER)
        release_id = session.scalars(select(Release.id)).one()
        assert fetching.granted_releases(session, stranger, cursor=None, limit=5).items == []
        for call in (
            lambda: fetching.metadata(session, stranger, slug=stage.slug, filename="timestamp.json"),
            lambda: fetching.metadata(session, partner[0], slug="no-such-set", filename="timestamp.json"),
            lambda: fetching.hand_out(
                session, stranger, slug=stage.slug, path=shard_path(session), byte_range=""
            ),
            lambda: fetching.granted_release(session, stranger, release_id),
        ):
            with pytest.raises(NotFound):
                call()


@pytest.mark.parametrize(
    "path", ["shards/000000.tar", "../x", "shards/" + "0" * 64 + ".000000.tar", "releases/x"]
)
def test_paths_that_are_no_published_target_are_not_there(
    stage: Stage, partner: tuple[Identity, UUID], path: str
) -> None:
    with stage.database.transaction() as session, pytest.raises(NotFound):
        fetching.hand_out(session, partner[0], slug=stage.slug, path=path, byte_range="")


def test_an_unpublished_build_is_not_handed_out(stage: Stage, partner: tuple[Identity, UUID]) -> None:
    release_id = stage.build()
    with stage.database.transaction() as session:
        target = session.scalars(
            select(TufTarget).where(
                TufTarget.release_id == release_id, TufTarget.path.endswith("release.json")
            )
        ).one()
        path = f"releases/{release_id}/{target.sha256.hex()}.release.json"
        with pytest.raises(NotFound):
            fetching.hand_out(session, partner[0], slug=stage.slug, path=path, byte_range="")


def test_revoking_closes_at_once(stage: Stage, partner: tuple[Identity, UUID]) -> None:
    engineer, grant_id = partner
    with stage.database.transaction() as session:
        grants.revoke_grant(session, stage.manager, grant_id=grant_id, reason="agreement breached")
        with pytest.raises(NotFound):
            fetching.metadata(session, engineer, slug=stage.slug, filename="timestamp.json")
        with pytest.raises(GrantState):
            grants.revoke_grant(session, stage.manager, grant_id=grant_id, reason="again")


@pytest.mark.parametrize("what", ["grant", "agreement", "agreement-ended"])
def test_a_grant_ends_by_its_date_and_with_its_agreement(
    stage: Stage, partner: tuple[Identity, UUID], what: str
) -> None:
    engineer, grant_id = partner
    yesterday = now().date() - timedelta(days=1)
    with stage.database.transaction() as session:
        grant = session.get_one(Grant, grant_id)
        if what == "grant":
            grant.expires_on = yesterday
        elif what == "agreement":
            grant.agreement.starts_on, grant.agreement.ends_on = yesterday - timedelta(days=9), yesterday
        else:
            grant.agreement.state = "ended"
        session.flush()
        with pytest.raises(NotFound):  # before any job has marked it
            fetching.metadata(session, engineer, slug=stage.slug, filename="timestamp.json")
        assert grants.end_expired(session) == (0 if what == "agreement-ended" else 1)


def test_two_approvers_neither_the_one_who_asked(stage: Stage) -> None:
    with stage.database.transaction() as session:
        agreement = make_agreement(session, stage, make_organisation(session, kind="partner"))
        grant = request_grant(session, stage, agreement)
        one, two, three = (a.identity for a in stage.approvers)
        with pytest.raises(Forbidden):
            grants.approve_grant(session, stage.manager, grant_id=grant.id)
        grants.approve_grant(session, one, grant_id=grant.id)
        with pytest.raises(SignedTwice):
            grants.approve_grant(session, one, grant_id=grant.id)
        grant.requested_by = two.person_id  # type: ignore[assignment]
        with pytest.raises(OwnComposition):
            grants.approve_grant(session, two, grant_id=grant.id)
        assert grant.state == "requested"
        assert grants.approve_grant(session, three, grant_id=grant.id).state == "active"


def test_a_grant_stays_inside_its_agreement(stage: Stage) -> None:
    with stage.database.transaction() as session:
        company = make_organisation(session, kind="partner")
        agreement = make_agreement(session, stage, company)
        proposed = make_agreement(session, stage, company, state="proposed")
        for arguments, why in (
            ({"agreement": proposed}, "not active"),
            ({"purpose": "advertising"}, "purpose"),
            ({"expires_on": agreement.ends_on + timedelta(days=1)}, "ends with"),
        ):
            with pytest.raises(GrantRefused, match=why):
                request_grant(session, stage, **{"agreement": agreement} | arguments)  # type: ignore[arg-type]
