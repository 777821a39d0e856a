"""`cordon init`: from nothing to a service that an administrator can enter. Running it again changes nothing."""

from __future__ import annotations

import importlib
import importlib.util
import os
import pkgutil
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

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
from app.audit.keys import create_checkpoint_key, origin_of
from app.audit.service import append
from app.core.db import Database
from app.core.identity import OrganisationKind, Role
from app.core.migrate import upgrade
from app.settings import Settings, home_from
from app.storage.keys import generate_key_file

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
        upgrade(url)
        database = Database(url, pool_size=1)
        try:
            with database.transaction() as session:
                seed_features(session)
                result = first_accounts(session, operator=operator, email=admin_email, name=admin_name)
        finally:
            database.dispose()
    document = {"home": str(settings.home), **result}
    say(document, as_json=as_json, line=_READY_LINE)
    if not as_json and result["admin"] and result["admin"]["activation_code"]:
        say(result["admin"], as_json=False, line=_ADMIN_LINE)


def prepare_home(environ: Mapping[str, str]) -> Settings:
    """Makes the data directory (0700) and every key that is missing; returns the settings that now hold."""
    home = home_from(environ)
    for directory in (home, home / "keys", home / "keys" / "online"):
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        directory.chmod(0o700)
    secret = home / "keys" / "secret_key"
    if not environ.get("CORDON_SECRET_KEY") and not secret.exists():
        _write_private(secret, secrets.token_urlsafe(48) + "\n")
    settings = Settings.from_environ(environ)
    if (master := _local_path(settings.master_key_uri)) and not master.exists():
        generate_key_file(master)
    if (checkpoint := _local_path(settings.checkpoint_key_uri)) and not checkpoint.exists():
        create_checkpoint_key(settings.checkpoint_key_uri, origin_of(settings.partner_url))
    return settings


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


def _local_path(uri: str) -> Path | None:
    parts = urlsplit(uri)
    return Path(unquote(parts.path)) if parts.scheme == "file" else None


def _write_private(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
