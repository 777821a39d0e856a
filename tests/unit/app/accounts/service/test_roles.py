"""Which roles go together."""

from __future__ import annotations

from itertools import combinations

import pytest

from app.accounts.service.roles import PEOPLE_ONLY, RolesRefused, check_roles
from app.core.identity import OrganisationKind, Role

OPERATOR = OrganisationKind.OPERATOR
REFUSED_PAIRS = {
    frozenset({Role.RELEASE_MANAGER, Role.APPROVER}),
    frozenset({Role.ADMINISTRATOR, Role.APPROVER}),
}
OPERATOR_ROLES = set(Role) - {Role.DATA_OFFICER, Role.PARTNER_ENGINEER}


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("kind", list(OrganisationKind))
def test_each_role_has_one_kind_of_organisation(role: Role, kind: OrganisationKind) -> None:
    home = {Role.DATA_OFFICER: OrganisationKind.FORCE, Role.PARTNER_ENGINEER: OrganisationKind.PARTNER}
    if home.get(role, OPERATOR) is kind:
        assert check_roles(kind, [role]) == [role.value]
    else:
        with pytest.raises(RolesRefused, match="is for organisations of kind"):
            check_roles(kind, [role])


@pytest.mark.parametrize("pair", [frozenset(p) for p in combinations(sorted(OPERATOR_ROLES), 2)], ids=sorted)
def test_pairs_of_operator_roles(pair: frozenset[Role]) -> None:
    if pair in REFUSED_PAIRS or Role.AUDITOR in pair:
        with pytest.raises(RolesRefused, match=r"exclude each other|stands alone"):
            check_roles(OPERATOR, pair)
    else:
        assert check_roles(OPERATOR, [*pair, *pair]) == sorted(r.value for r in pair)


def test_none_and_unknown_ones() -> None:
    with pytest.raises(RolesRefused, match="at least one"):
        check_roles(OPERATOR, [])
    with pytest.raises(RolesRefused, match="There is no role 'root'"):
        check_roles(OPERATOR, ["root"])


@pytest.mark.parametrize("role", sorted(PEOPLE_ONLY))
def test_machines_neither_approve_nor_administer(role: Role) -> None:
    with pytest.raises(RolesRefused, match="person's role"):
        check_roles(OPERATOR, [role], machine=True)
