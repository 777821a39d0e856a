"""`cordon init`: from nothing to a service that an administrator can enter. Running it again changes nothing."""

from __future__ import annotations

import importlib
import importlib.util
import os
import pkgutil
from typing import Any

import click
from sqlalchemy import select
from sqlalchemy.orm import Session

import app
from app.accounts import queries, service
from app.accounts.commands.local import (
    LOCAL_ADMIN,
    json_option,
    one_line_errors,
    running_database,
    say,
)
from app.accounts.models import Organisation, Person
from app.audit.events import Tag
from app.audit.service import append
from app.core.db import Database
from app.core.identity import OrganisationKind, Role
from app.core.migrate import upgrade
from app.home import prepare_home

_ADMIN_LINE = "Administrator {email}: activation code {activation_code} (shown once, good for 72 hours)"
_READY_LINE = "Cordon is set up in {home}"


@click.command("init")
@click.option("--admin-email", help="The first administrator's e-mail address.")
@click.option("--admin-name", default="Administrator", show_default=True)
@click.option("--operator", default="Operator", show_default=True, help="The operating organisation's name.")
@json_option
@one_line_errors
def init(admin_email: str | None, admin_name: str, operator: str, as_json: bool) -> None:
    """Make keys, database and the first administrator.

    Safe to run again: what is there stays; an administrator who has not activated gets a fresh code.

    \b
    Example: cordon init --admin-email sam@example.org
    """
    settings = prepare_home(os.environ)
    with running_database(settings) as url:
        result = prepare_database(url, operator=operator, email=admin_email, name=admin_name)
    document = {"home": str(settings.home), **result}
    say(document, as_json=as_json, line=_READY_LINE)
    if not as_json and result["admin"] and result["admin"]["activation_code"]:
        say(result["admin"], as_json=False, line=_ADMIN_LINE)


def prepare_database(
    url: str, *, operator: str = "Operator", email: str | None = None, name: str = "Administrator"
) -> dict[str, Any]:
    """Migrates the database and writes what the service starts with; returns what `first_accounts` says."""
    upgrade(url)
    database = Database(url, pool_size=1)
    try:
        with database.transaction() as session:
            seed_features(session)
            return first_accounts(session, operator=operator, email=email, name=name)
    finally:
        database.dispose()


def first_accounts(session: Session, *, operator: str, email: str | None, name: str) -> dict[str, Any]:
    """The operator's organisation and, with `email`, its first administrator; made if missing."""
    kind = OrganisationKind.OPERATOR.value
    organisation = session.scalars(select(Organisation).where(Organisation.kind == kind)).first()
    if organisation is None:
        organisation = service.create_organisation(session, LOCAL_ADMIN, kind=kind, name=operator)
        append(session, LOCAL_ADMIN, Tag.SYSTEM_INIT, subject=("organisation", organisation.id))
    found = {"operator": {"id": str(organisation.id), "name": organisation.name}, "admin": None}
    if email is None:
        return found
    person, code = _first_admin(session, organisation, email, name)
    return found | {"admin": {"id": str(person.id), "email": person.email, "activation_code": code}}


def seed_features(session: Session) -> None:
    """Calls `seed(session)` of every feature that has a module `seed`: found by name, for accounts is the lowest."""
    for feature in pkgutil.iter_modules(app.__path__, "app."):
        name = f"{feature.name}.seed"
        if feature.ispkg and importlib.util.find_spec(name) is not None:
            importlib.import_module(name).seed(session)


def _first_admin(
    session: Session, organisation: Organisation, email: str, name: str
) -> tuple[Person, str | None]:
    person = queries.person_by_email(session, email)
    if person is None:
        return service.create_person(
            session,
            LOCAL_ADMIN,
            organisation_id=organisation.id,
            email=email,
            name=name,
            roles=[Role.ADMINISTRATOR],
        )
    if person.activated or not person.active:
        return person, None
    return service.reset_person(session, LOCAL_ADMIN, person.id)
