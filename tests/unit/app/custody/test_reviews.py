"""Sensitivity reviews: what is confirmed, what overtakes it, and what it stands in the way of."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session

from app.core.errors import InvalidRequest, NotFound
from app.core.identity import Role
from app.custody import service
from app.custody.models import SensitivityReview
from app.custody.service.errors import NotReviewed, ReviewRefused
from app.exercises.models import Exercise
from app.recordings.models import Recording
from app.releases.service import composing, publishing
from app.releases.service.errors import BasisMissing, ReviewRevoked
from tests.factories.accounts import make_identity
from tests.factories.custody import make_officer
from tests.factories.redaction import make_redaction, make_rendered
from tests.factories.releases import make_stage
from tests.unit.app.custody.conftest import Force


def confirm(
    force: Force, people: str = "none_needed", *, training: bool = True, tactics: bool = True
) -> SensitivityReview:
    with force.database.transaction() as session:
        return service.confirm_review(
            session, force.first, force.recording_id, training=training, tactics=tactics, people=people
        )


def reasons(force: Force) -> list[str]:
    with force.database.transaction() as session:
        return service.reasons_against_release(session, [force.recording_id])


def test_a_review_is_asked_for_confirmed_and_taken_back(force: Force) -> None:
    assert len(reasons(force)) == 1
    confirm(force)
    assert reasons(force) == []
    with force.database.transaction() as session:
        assert service.standing(session, force.second, force.recording_id).review_holds
        service.revoke_review(session, force.second, force.recording_id, reason="A bystander is seen")
    assert len(reasons(force)) == 1
    with force.database.transaction() as session, pytest.raises(NotReviewed):
        service.revoke_review(session, force.second, force.recording_id, reason="again")
    assert force.tags() == ["sensitivity-review:confirmed", "sensitivity-review:revoked"]


@pytest.mark.parametrize("missing", ["training", "tactics"])
def test_all_of_it_is_confirmed_or_nothing(force: Force, missing: str) -> None:
    with pytest.raises(InvalidRequest):
        confirm(force, **{missing: False})
    assert force.tags() == []


def test_what_is_said_of_people_must_be_so(force: Force) -> None:
    with pytest.raises(ReviewRefused, match="Nothing of it is redacted"):
        confirm(force, "redacted")
    with force.database.transaction() as session:
        redaction = make_redaction(session, session.get_one(Recording, force.recording_id))
        redaction.state = "in_review"
    with pytest.raises(ReviewRefused, match="not rendered"):
        confirm(force)
    with force.database.transaction() as session:
        make_rendered(session, force.vault, session.merge(redaction))
    with pytest.raises(ReviewRefused, match="say that people were redacted"):
        confirm(force)
    assert confirm(force, "redacted").redaction_id == redaction.id
    assert reasons(force) == []


def test_another_redaction_overtakes_a_review(force: Force) -> None:
    confirm(force)
    with force.database.transaction() as session:
        redaction = make_redaction(session, session.get_one(Recording, force.recording_id))
    assert reasons(force) == []  # proposals that nobody touched change nothing that leaves
    with force.database.transaction() as session:
        make_rendered(session, force.vault, session.merge(redaction))
    assert len(reasons(force)) == 1
    confirm(force, "redacted")
    assert reasons(force) == []


def test_a_review_taken_back_after_the_build_stops_the_signing(force: Force) -> None:
    stage = make_stage(force.database, force.settings, force.vault)
    release_id = stage.build()
    with stage.database.transaction() as session:
        released = session.query(SensitivityReview).one().recording_id
        officer = make_officer(session, session.get_one(Recording, released))
        service.revoke_review(session, officer, released, reason="Seen again")
    with stage.database.transaction() as session, pytest.raises(ReviewRevoked):
        composing.request_sign_off(session, stage.manager, stage.keys, release_id=release_id)


@pytest.mark.parametrize("gone", [{"lawful_basis": None}, {"consent_record": " "}])
def test_a_basis_taken_back_after_the_freeze_stops_every_later_step(
    force: Force, gone: dict[str, str | None]
) -> None:
    stage = make_stage(force.database, force.settings, force.vault)
    release_id = stage.build()

    def say(**facts: str | None) -> None:
        with stage.database.transaction() as session:
            session.execute(update(Exercise).values(**facts))

    def refused(act: Callable[[Session], object]) -> None:
        say(**gone)
        with stage.database.transaction() as session, pytest.raises(BasisMissing, match=f"no {name}"):
            act(session)
        say(lawful_basis="Data Protection Act 2018, Part 3", consent_record="CR-7")

    name = next(iter(gone)).replace("_", " ")
    refused(lambda s: composing.request_sign_off(s, stage.manager, stage.keys, release_id=release_id))
    with stage.database.transaction() as session:
        composing.request_sign_off(session, stage.manager, stage.keys, release_id=release_id)
    refused(lambda s: stage.sign(s, release_id, stage.approvers[0]))
    with stage.database.transaction() as session:
        for approver in stage.approvers[:2]:
            stage.sign(session, release_id, approver)
    refused(
        lambda s: publishing.publish_release(s, stage.manager, stage.keys, stage.vault, release_id=release_id)
    )


def test_the_queue_is_of_ones_own_force(force: Force) -> None:
    with force.database.transaction() as session:
        stranger, auditor = make_identity(session, Role.DATA_OFFICER), make_identity(session, Role.AUDITOR)
        for who, count in ((force.first, 1), (auditor, 1), (stranger, 0)):
            assert len(service.list_unreviewed(session, who).items) == count
            assert service.waiting(session, who).reviews == count
        with pytest.raises(NotFound):
            service.confirm_review(
                session, stranger, force.recording_id, training=True, tactics=True, people="none_needed"
            )
