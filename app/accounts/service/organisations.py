"""Forces, partner companies and the operator itself."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.accounts import queries
from app.accounts.models import Organisation
from app.audit.events import Tag
from app.audit.service import append
from app.authz.permissions import Permission
from app.authz.predicates import require
from app.core import clock
from app.core.errors import Conflict, NotFound
from app.core.identity import Identity, OrganisationKind
from app.core.pagination import Page


class OrganisationExists(Conflict):
    type = "organisation-exists"
    title = "An organisation of this name exists already"


def create_organisation(session: Session, identity: Identity, *, kind: str, name: str) -> Organisation:
    """A new organisation. Raises OrganisationExists where the name is taken."""
    require(identity, Permission.ORGANISATION_MANAGE)
    row = Organisation(kind=OrganisationKind(kind).value, name=" ".join(name.split()))
    try:
        with session.begin_nested():
            session.add(row)
    except IntegrityError:
        raise OrganisationExists from None
    append(
        session,
        identity,
        Tag.ORGANISATION_CREATE,
        subject=("organisation", row.id),
        details={"kind": row.kind, "name": row.name},
        organisation_id=row.id,
    )
    return row


def list_organisations(
    session: Session, identity: Identity, *, cursor: str | None = None, limit: int = 50
) -> Page[Organisation]:
    """All organisations, newest first: for administrators and auditors."""
    require(identity, Permission.ORGANISATION_READ)
    return queries.page_of_organisations(session, cursor=cursor, limit=limit)


def disable_organisation(session: Session, identity: Identity, organisation_id: UUID) -> Organisation:
    """Nobody and nothing of it may act from now on. Raises NotFound; Conflict for the actor's own."""
    require(identity, Permission.ORGANISATION_MANAGE)
    row = session.get(Organisation, organisation_id, with_for_update=True)
    if row is None:
        raise NotFound
    if row.kind == OrganisationKind.OPERATOR:
        raise Conflict("The operator's organisation cannot be disabled: disable its people instead")
    if row.disabled_at is None:
        row.disabled_at = clock.now()
        append(
            session,
            identity,
            Tag.ORGANISATION_UPDATE,
            subject=("organisation", row.id),
            details={"disabled": True},
            organisation_id=row.id,
        )
    return row
