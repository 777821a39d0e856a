"""Finding what a command names, and what it prints of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from app.accounts import queries
from app.accounts.commands.local import LOCAL_ADMIN
from app.accounts.models import MachineClient, Organisation, Person
from app.core.errors import NotFound
from app.core.pagination import MAX_LIMIT, Page


def every(session: Session, page_of: Callable[..., Page[Any]]) -> Iterator[Any]:
    cursor: str | None = None
    while True:
        page = page_of(session, LOCAL_ADMIN, cursor=cursor, limit=MAX_LIMIT)
        yield from page.items
        cursor = page.next_cursor
        if cursor is None:
            return


def find_organisation(session: Session, wanted: str) -> Organisation:
    try:
        row = session.get(Organisation, UUID(wanted))
    except ValueError:
        row = queries.organisation_named(session, wanted)
    if row is None:
        raise NotFound(f"there is no organisation {wanted!r}: see 'cordon admin organisation list'")
    return row


def find_person(session: Session, email: str) -> Person:
    person = queries.person_by_email(session, email)
    if person is None:
        raise NotFound(f"there is nobody with the address {email}: see 'cordon admin person list'")
    return person


def organisation_row(row: Organisation) -> dict[str, Any]:
    state = "disabled" if row.disabled_at else "active"
    return {"id": row.id, "kind": row.kind, "name": row.name, "state": state}


def person_row(row: Person) -> dict[str, Any]:
    activated = "active" if row.activated else "waits for activation"
    return {
        "id": row.id,
        "email": row.email,
        "name": row.name,
        "organisation_id": row.organisation_id,
        "roles": row.roles,
        "state": activated if row.active else "disabled",
    }


def client_row(row: MachineClient) -> dict[str, Any]:
    return {
        "id": row.id,
        "client_id": row.client_id,
        "name": row.name,
        "organisation_id": row.organisation_id,
        "roles": row.roles,
        "state": "disabled" if row.disabled_at else "active",
    }
