"""Agreements: who may propose, who may approve, when one is active."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.audit.models import AuditEvent
from app.authz.permission_map import PERMISSION_MAP
from app.authz.permissions import Permission
from app.core import clock
from app.core.db import Database
from app.core.errors import Forbidden, NotFound
from app.core.identity import Identity, OrganisationKind, Role
from app.core.ids import new_id
from app.partners import queries, service
from app.partners.models import Agreement
from app.partners.service import AgreementExists, AgreementInvalid, AgreementState, AlreadyApproved
from tests.factories.accounts import identity_of, make_client, make_identity, make_organisation, make_person

TODAY = datetime.now(UTC).date()


@pytest.fixture
def session(database: Database) -> Any:
    with database.transaction() as opened:
        yield opened


def terms(organisation_id: Any, /, **changed: Any) -> dict[str, Any]:
    return {
        "organisation_id": organisation_id,
        "reference": f"DSA-{new_id().hex[-12:]}",
        "purposes": ["hash-matching", "detector-development"],
        "country": "IE",
        "transfer_ground": "adequacy",
        "contact_email": "dpo@partner.example",
        "starts_on": TODAY,
        "ends_on": TODAY + timedelta(days=365),
    } | changed


def proposed(session: Session, **changed: Any) -> Agreement:
    partner = make_organisation(session, kind=OrganisationKind.PARTNER)
    manager = make_identity(session, Role.RELEASE_MANAGER)
    return service.propose_agreement(session, manager, **terms(partner.id, **changed))


def approvers(session: Session, count: int) -> list[Identity]:
    return [make_identity(session, Role.APPROVER) for _ in range(count)]


def test_two_approvers_make_it_active(session: Session) -> None:
    row, (one, two, three) = proposed(session), approvers(session, 3)
    assert row.purposes == ["detector-development", "hash-matching"]
    assert service.approve_agreement(session, one, row.id).state == "proposed"
    with pytest.raises(AlreadyApproved):
        service.approve_agreement(session, one, row.id)
    assert service.approve_agreement(session, two, row.id).state == "active"
    with pytest.raises(AgreementState):
        service.approve_agreement(session, three, row.id)
    assert {a.person_id for a in row.approvals} == {one.person_id, two.person_id}
    session.flush()
    tags = session.scalars(select(AuditEvent.tag).order_by(AuditEvent.id)).all()
    assert tags == ["agreement:requested", "agreement:approved", "agreement:approved", "agreement:active"]


@pytest.mark.parametrize("role", sorted(Role))
def test_only_the_right_roles(session: Session, role: Role) -> None:
    row, who = proposed(session), make_identity(session, role)
    held = PERMISSION_MAP[role]
    if Permission.AGREEMENT_APPROVE not in held:
        with pytest.raises(Forbidden):
            service.approve_agreement(session, who, row.id)
    if Permission.AGREEMENT_PROPOSE not in held:
        with pytest.raises(Forbidden):
            service.propose_agreement(session, who, **terms(row.organisation_id))
    if Permission.AGREEMENT_READ not in held:
        with pytest.raises(Forbidden):
            service.get_agreement(session, who, row.id)
    else:
        assert service.get_agreement(session, who, row.id) is row
    assert row.approvals == [] or role is Role.APPROVER


def test_a_release_manager_never_counts_even_with_the_other_role(session: Session) -> None:
    row = proposed(session)
    both = identity_of(make_person(session, roles=[Role.APPROVER, Role.RELEASE_MANAGER]))
    with pytest.raises(Forbidden):
        service.approve_agreement(session, both, row.id)


def test_a_proposer_who_became_an_approver_cannot_approve(session: Session) -> None:
    row = proposed(session)
    person = make_person(session, roles=[Role.APPROVER])
    row.proposed_by = person.id
    session.flush()
    with pytest.raises(Forbidden):
        service.approve_agreement(session, identity_of(person), row.id)


def test_a_machine_neither_proposes_nor_approves(session: Session) -> None:
    from app.accounts.service import identity_of_client

    operator = make_organisation(session, kind=OrganisationKind.OPERATOR)
    client, _ = make_client(session, organisation=operator, roles=[Role.APPROVER])
    session.refresh(client)
    with pytest.raises(Forbidden, match="Only a person"):
        service.approve_agreement(session, identity_of_client(client), proposed(session).id)


@pytest.mark.parametrize(
    "changed",
    [
        {"purposes": []},
        {"purposes": ["marketing"]},
        {"transfer_ground": "because"},
        {"country": "GB"},
        {"transfer_ground": "domestic"},
        {"ends_on": TODAY},
        {"starts_on": TODAY - timedelta(days=20), "ends_on": TODAY - timedelta(days=10)},
        {"organisation_id": new_id()},
    ],
)
def test_terms_that_cannot_stand(session: Session, changed: dict[str, Any]) -> None:
    with pytest.raises(AgreementInvalid):
        proposed(session, **changed)


@pytest.mark.parametrize("kind", [OrganisationKind.FORCE, OrganisationKind.OPERATOR])
def test_only_partners_are_admitted(session: Session, kind: OrganisationKind) -> None:
    with pytest.raises(AgreementInvalid, match="no active partner"):
        proposed(session, organisation_id=make_organisation(session, kind=kind).id)


def test_a_reference_is_one_agreements(session: Session) -> None:
    row = proposed(session)
    with pytest.raises(AgreementExists):
        proposed(session, reference=row.reference)
    with pytest.raises(NotFound):
        service.get_agreement(session, make_identity(session, Role.AUDITOR), new_id())


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(start=st.integers(-30, 30), length=st.integers(1, 40), asked=st.integers(-80, 80))
def test_active_between_its_dates_both_included(
    session: Session, start: int, length: int, asked: int
) -> None:
    first = TODAY + timedelta(days=start)
    last = first + timedelta(days=length)
    day = TODAY + timedelta(days=asked)
    row = proposed(session)
    row.starts_on, row.ends_on = first, last
    session.flush()
    assert queries.active_agreement(session, row.organisation_id, day) is None, "not approved"
    row.state = "active"
    session.flush()
    found = queries.active_agreement(session, row.organisation_id, day)
    assert (found is row) == (first <= day <= last)
    assert queries.active_agreement(session, new_id(), day) is None


def test_time_ends_it(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    row = proposed(session)
    row.state = "active"
    session.flush()
    assert service.end_expired_agreements(session) == []
    later = datetime.combine(row.ends_on, datetime.max.time(), UTC)
    monkeypatch.setattr(clock, "now", lambda: later)
    assert service.end_expired_agreements(session) == [], "its last day is included"
    monkeypatch.setattr(clock, "now", lambda: later + timedelta(days=1))
    assert service.end_expired_agreements(session) == [row.id]
    assert (row.state, row.ended_at) == ("ended", later + timedelta(days=1))


def test_approvals_at_once_are_counted_once_each(database: Database) -> None:
    with database.transaction() as session:
        row, four = proposed(session), approvers(session, 4)
    outcomes: list[str] = []
    barrier = threading.Barrier(4)

    def approve(identity: Identity) -> None:
        barrier.wait()
        try:
            with database.transaction() as session:
                outcomes.append(service.approve_agreement(session, identity, row.id).state)
        except AgreementState:
            outcomes.append("refused")

    threads = [threading.Thread(target=approve, args=(identity,)) for identity in four]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["active", "proposed", "refused", "refused"]
    with database.transaction() as session:
        assert len(session.get_one(Agreement, row.id).approvals) == 2
