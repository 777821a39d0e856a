"""What services ask before they act. A hidden object raises NotFound, never Forbidden."""

from __future__ import annotations

from uuid import UUID

from app.authz.permission_map import permits
from app.authz.permissions import Permission
from app.core.errors import Forbidden, Hidden
from app.core.identity import Identity, OrganisationKind, Role


def require(identity: Identity, permission: Permission) -> None:
    """Raises Forbidden unless one of the actor's roles holds the permission."""
    if not permits(identity, permission):
        raise Forbidden


def require_same_organisation(identity: Identity, organisation_id: UUID) -> None:
    """For what belongs to one force or partner. The operator's auditors see all; everyone else only their own.

    Raises Hidden.
    """
    if identity.organisation_id != organisation_id and not sees_every_organisation(identity):
        raise Hidden


def sees_every_organisation(identity: Identity) -> bool:
    """True for the operator's auditors."""
    return identity.organisation_kind is OrganisationKind.OPERATOR and identity.has(Role.AUDITOR)


def require_person(identity: Identity) -> UUID:
    """The human behind the act; raises Forbidden for a machine (labels and signatures are a person's)."""
    if identity.person_id is None:
        raise Forbidden("Only a person can do this, not a machine client")
    return identity.person_id
