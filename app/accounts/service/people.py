"""People: made by an administrator, who never learns their password or TOTP seed."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.accounts import queries
from app.accounts.models import Organisation, Person
from app.accounts.service.activation import start_activation
from app.accounts.service.roles import check_roles
from app.audit.events import Tag
from app.audit.service import append
from app.authz.permissions import Permission
from app.authz.predicates import require
from app.core import clock
from app.core.errors import Conflict, InvalidRequest, NotFound
from app.core.identity import Identity, OrganisationKind
from app.core.pagination import Page


class EmailTaken(Conflict):
    type = "email-taken"
    title = "Somebody with this e-mail address exists already"


def create_person(
    session: Session,
    identity: Identity,
    *,
    organisation_id: UUID,
    email: str,
    name: str,
    roles: Iterable[str],
) -> tuple[Person, str]:
    """A person and the activation code to hand over, shown this once.

    Raises RolesRefused, EmailTaken, or InvalidRequest where there is no such active organisation.
    """
    require(identity, Permission.PERSON_MANAGE)
    organisation = session.get(Organisation, organisation_id)
    if organisation is None or organisation.disabled_at is not None:
        raise InvalidRequest("organisation_id names no active organisation")
    row = Person(
        organisation=organisation,
        email=email.strip(),
        name=" ".join(name.split()),
        roles=check_roles(OrganisationKind(organisation.kind), roles),
        fs_uniquifier=secrets.token_hex(32),
        active=True,
    )
    code = start_activation(row)
    try:
        with session.begin_nested():
            session.add(row)
    except IntegrityError:
        raise EmailTaken from None
    _record(session, identity, Tag.PERSON_CREATE, row, {"roles": ",".join(row.roles)})
    return row, code


def list_people(
    session: Session, identity: Identity, *, cursor: str | None = None, limit: int = 50
) -> Page[Person]:
    """All people, newest first."""
    require(identity, Permission.PERSON_MANAGE)
    return queries.page_of_people(session, cursor=cursor, limit=limit)


def reset_person(session: Session, identity: Identity, person_id: UUID) -> tuple[Person, str]:
    """A new activation code; password, TOTP, sessions and command lines end now. Raises NotFound, Conflict."""
    row = _locked(session, identity, person_id)
    if not row.active:
        raise Conflict("This person is disabled")
    code = start_activation(row)
    end_everywhere(session, row)
    _record(session, identity, Tag.PERSON_UPDATE, row, {"reset": True})
    return row, code


def disable_person(session: Session, identity: Identity, person_id: UUID) -> Person:
    """Ends every session and command line; the person's past acts keep their name. Raises NotFound."""
    row = _locked(session, identity, person_id)
    if row.id == identity.person_id:
        raise Conflict("You cannot disable yourself: ask another administrator")
    if row.active:
        row.active = False
        end_everywhere(session, row)
        _record(session, identity, Tag.PERSON_DISABLE, row, {})
    return row


def end_everywhere(session: Session, person: Person) -> None:
    """Ends the person's sessions, by a new `fs_uniquifier`, and disables their command lines."""
    person.fs_uniquifier = secrets.token_hex(32)
    for client in queries.clients_of_person(session, person.id):
        client.disabled_at = client.disabled_at or clock.now()
        queries.delete_tokens_of(session, client.id)


def _locked(session: Session, identity: Identity, person_id: UUID) -> Person:
    require(identity, Permission.PERSON_MANAGE)
    row = session.get(Person, person_id, with_for_update={"of": Person})
    if row is None:
        raise NotFound
    return row


def _record(
    session: Session, identity: Identity, tag: Tag, person: Person, details: dict[str, str | bool]
) -> None:
    append(
        session,
        identity,
        tag,
        subject=("person", person.id),
        details={"email": person.email, **details},
        organisation_id=person.organisation_id,
    )
