"""Which roles go together: duties that check each other are never in one pair of hands."""

from __future__ import annotations

from collections.abc import Iterable

from app.core.errors import InvalidRequest
from app.core.identity import OrganisationKind, Role

KIND_OF_ROLE: dict[Role, OrganisationKind] = {
    Role.DATA_OFFICER: OrganisationKind.FORCE,
    Role.PARTNER_ENGINEER: OrganisationKind.PARTNER,
}
EXCLUSIVE: tuple[tuple[Role, Role, str], ...] = (
    (Role.RELEASE_MANAGER, Role.APPROVER, "whoever composes a release cannot approve one"),
    (Role.ADMINISTRATOR, Role.APPROVER, "whoever manages accounts cannot approve"),
)
PEOPLE_ONLY = frozenset({Role.APPROVER, Role.ADMINISTRATOR})


class RolesRefused(InvalidRequest):
    type = "roles-refused"
    title = "These roles do not go together"


def check_roles(kind: OrganisationKind, roles: Iterable[str], *, machine: bool = False) -> list[str]:
    """The roles, sorted and without repetition. Raises RolesRefused with what is wrong."""
    wanted = {_role(name) for name in roles}
    if not wanted:
        raise RolesRefused("Give at least one role")
    for role in sorted(wanted):
        if KIND_OF_ROLE.get(role, OrganisationKind.OPERATOR) is not kind:
            needed = KIND_OF_ROLE.get(role, OrganisationKind.OPERATOR)
            raise RolesRefused(f"The role {role} is for organisations of kind {needed}, not {kind}")
    for one, other, why in EXCLUSIVE:
        if {one, other} <= wanted:
            raise RolesRefused(f"{one} and {other} exclude each other: {why}")
    if Role.AUDITOR in wanted and len(wanted) > 1:
        raise RolesRefused("auditor stands alone: whoever checks the others has no part in what is checked")
    if machine and (human := wanted & PEOPLE_ONLY):
        raise RolesRefused(f"{sorted(human)[0]} is a person's role, not a machine's")
    return sorted(wanted)


def _role(name: str) -> Role:
    try:
        return Role(name)
    except ValueError:
        raise RolesRefused(f"There is no role {name!r}; there are: {', '.join(sorted(Role))}") from None
