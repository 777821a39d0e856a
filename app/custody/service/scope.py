"""Whose decisions an actor may read of."""

from __future__ import annotations

from uuid import UUID

from app.authz.predicates import sees_every_organisation
from app.core.errors import NotFound
from app.core.identity import Identity


def scope_of(identity: Identity) -> UUID | None:
    """The actor's own organisation; None for the operator's auditors, who see every force's. Raises NotFound."""
    if sees_every_organisation(identity):
        return None
    if identity.organisation_id is None:
        raise NotFound
    return identity.organisation_id
