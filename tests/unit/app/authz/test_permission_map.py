"""The one table, held against what nobody may ever be able to do."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.authz.permission_map import PERMISSION_MAP, permits
from app.authz.permissions import Permission as P
from app.authz.predicates import require, require_person, require_same_organisation
from app.core.errors import Forbidden, NotFound
from app.core.identity import ANONYMOUS, SYSTEM, ActorKind, Identity, OrganisationKind, Role
from app.core.ids import new_id


def who(*roles: Role, kind: OrganisationKind = OrganisationKind.OPERATOR) -> Identity:
    return Identity(
        ActorKind.PERSON,
        new_id(),
        "kim",
        organisation_id=new_id(),
        organisation_kind=kind,
        roles=frozenset(roles),
        person_id=new_id(),
    )


def test_every_role_is_in_the_table_and_every_permission_is_somebodys() -> None:
    assert set(PERMISSION_MAP) == set(Role)
    assert set().union(*PERMISSION_MAP.values()) == set(P)
    assert all(P.SELF in held for held in PERMISSION_MAP.values())


@given(st.frozensets(st.sampled_from(Role)), st.sampled_from(P))
def test_roles_add_up_and_nothing_else_grants(roles: frozenset[Role], permission: P) -> None:
    assert permits(who(*roles), permission) == any(permission in PERMISSION_MAP[role] for role in roles)


@pytest.mark.parametrize("permission", list(P))
def test_nobody_without_roles_may_anything(permission: P) -> None:
    for nobody in (ANONYMOUS, SYSTEM, who()):
        with pytest.raises(Forbidden):
            require(nobody, permission)


FOOTAGE = {P.RECORDING_VIEW, P.CLIP_VIEW}
CHANGES = {p for p in P if p.value.split(":")[-1] not in ("read", "self")}


@pytest.mark.parametrize(
    ("role", "never"),
    [
        (Role.ADMINISTRATOR, FOOTAGE | {P.RELEASE_SIGN, P.AGREEMENT_APPROVE, P.GRANT_APPROVE, P.AUDIT_READ}),
        (Role.AUDITOR, CHANGES | FOOTAGE),
        (Role.RELEASE_MANAGER, FOOTAGE | {P.RELEASE_SIGN, P.AGREEMENT_APPROVE, P.GRANT_APPROVE}),
        (Role.APPROVER, {P.DATASET_COMPOSE, P.RELEASE_BUILD, P.RELEASE_PUBLISH, P.AGREEMENT_PROPOSE}),
        (Role.ANNOTATOR, {P.RECORDING_VIEW, P.REVIEW, P.TASK_MANAGE, P.EXERCISE_READ}),
        (Role.REVIEWER, {P.RECORDING_VIEW, P.ANNOTATE, P.EXERCISE_READ}),
        (Role.DATA_OFFICER, {P.CLIP_VIEW, P.DATASET_READ, P.RELEASE_READ, P.ANNOTATE}),
        (Role.PARTNER_ENGINEER, set(P) - {P.SELF, P.RELEASE_FETCH}),
    ],
)
def test_what_each_must_never_be_able_to_do(role: Role, never: set[P]) -> None:
    assert not PERMISSION_MAP[role] & never


def test_another_organisations_things_are_hidden_not_forbidden() -> None:
    officer = who(Role.DATA_OFFICER, kind=OrganisationKind.FORCE)
    assert officer.organisation_id is not None
    require_same_organisation(officer, officer.organisation_id)
    with pytest.raises(NotFound):
        require_same_organisation(officer, new_id())


def test_only_the_operators_auditors_see_every_organisation() -> None:
    require_same_organisation(who(Role.AUDITOR), new_id())
    for other in (
        who(Role.AUDITOR, kind=OrganisationKind.FORCE),
        who(Role.ADMINISTRATOR),
        who(Role.RELEASE_MANAGER),
    ):
        with pytest.raises(NotFound):
            require_same_organisation(other, new_id())


def test_a_machine_is_no_person() -> None:
    person = who(Role.APPROVER)
    assert require_person(person) == person.person_id
    with pytest.raises(Forbidden):
        require_person(Identity(ActorKind.CLIENT, new_id(), "robot", roles=frozenset({Role.APPROVER})))
