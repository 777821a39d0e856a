"""`cordon admin …`: organisations, people and machine clients, from the service's own machine."""

from __future__ import annotations

from pathlib import Path

import click

from app.accounts import queries, service
from app.accounts.commands.local import (
    LOCAL_ADMIN,
    json_option,
    local_transaction,
    one_line_errors,
    say,
)
from app.accounts.commands.rows import (
    client_row,
    every,
    find_organisation,
    find_person,
    organisation_row,
    person_row,
)
from app.core.errors import NotFound
from app.core.identity import OrganisationKind, Role

_roles = click.option(
    "--role", "roles", multiple=True, required=True, type=click.Choice([r.value for r in Role])
)
_organisation = click.option("--organisation", required=True, help="Its id or its name.")
_ORGANISATION_LINE = "{id}  {kind:<8}  {state:<8}  {name}"
_PERSON_LINE = "{id}  {state}  {email}  {roles}"
_CODE_LINE = "{email}: activation code {activation_code} (shown once, good for 72 hours)"
_CLIENT_LINE = "{client_id}  {state}  {name}  {roles}"


@click.group("admin")
def admin() -> None:
    """Organisations, people and machine clients.

    \b
    Example: cordon admin person add kim@force.example --name Kim --organisation "North Force" --role data_officer
    """


@admin.group("organisation")
def organisation_group() -> None:
    """Forces, partners, the operator. Example: cordon admin organisation list"""


@organisation_group.command("add")
@click.argument("name")
@click.option("--kind", required=True, type=click.Choice([k.value for k in OrganisationKind]))
@json_option
@one_line_errors
def organisation_add(name: str, kind: str, as_json: bool) -> None:
    """Add an organisation. Example: cordon admin organisation add "North Force" --kind force"""
    with local_transaction() as session:
        row = service.create_organisation(session, LOCAL_ADMIN, kind=kind, name=name)
    say(organisation_row(row), as_json=as_json, line=_ORGANISATION_LINE)


@organisation_group.command("list")
@json_option
@one_line_errors
def organisation_list(as_json: bool) -> None:
    """List organisations, newest first. Example: cordon admin organisation list --json"""
    with local_transaction() as session:
        rows = [organisation_row(row) for row in every(session, service.list_organisations)]
    say(rows, as_json=as_json, line=_ORGANISATION_LINE)


@organisation_group.command("disable")
@click.argument("organisation")
@json_option
@one_line_errors
def organisation_disable(organisation: str, as_json: bool) -> None:
    """Stop an organisation's people and programs. Example: cordon admin organisation disable "North Force" """
    with local_transaction() as session:
        found = find_organisation(session, organisation)
        row = service.disable_organisation(session, LOCAL_ADMIN, found.id)
    say(organisation_row(row), as_json=as_json, line=_ORGANISATION_LINE)


@admin.group("person")
def person_group() -> None:
    """People and their roles. Example: cordon admin person list"""


@person_group.command("add")
@click.argument("email")
@click.option("--name", required=True)
@_organisation
@_roles
@json_option
@one_line_errors
def person_add(email: str, name: str, organisation: str, roles: tuple[str, ...], as_json: bool) -> None:
    """Add a person; prints the activation code once.

    \b
    Example: cordon admin person add kim@force.example --name Kim --organisation "North Force" --role data_officer
    """
    with local_transaction() as session:
        found = find_organisation(session, organisation)
        person, code = service.create_person(
            session, LOCAL_ADMIN, organisation_id=found.id, email=email, name=name, roles=roles
        )
    say(person_row(person) | {"activation_code": code}, as_json=as_json, line=_CODE_LINE)


@person_group.command("list")
@json_option
@one_line_errors
def person_list(as_json: bool) -> None:
    """List people, newest first. Example: cordon admin person list --json"""
    with local_transaction() as session:
        rows = [person_row(row) for row in every(session, service.list_people)]
    say(rows, as_json=as_json, line=_PERSON_LINE)


@person_group.command("reset")
@click.argument("email")
@json_option
@one_line_errors
def person_reset(email: str, as_json: bool) -> None:
    """Take away password and TOTP; prints a new code. Example: cordon admin person reset kim@force.example"""
    with local_transaction() as session:
        person, code = service.reset_person(session, LOCAL_ADMIN, find_person(session, email).id)
    say(person_row(person) | {"activation_code": code}, as_json=as_json, line=_CODE_LINE)


@person_group.command("disable")
@click.argument("email")
@json_option
@one_line_errors
def person_disable(email: str, as_json: bool) -> None:
    """End a person's access. Example: cordon admin person disable kim@force.example"""
    with local_transaction() as session:
        person = service.disable_person(session, LOCAL_ADMIN, find_person(session, email).id)
    say(person_row(person), as_json=as_json, line=_PERSON_LINE)


@admin.group("client")
def client_group() -> None:
    """Machine clients. Example: cordon admin client list"""


@client_group.command("add")
@click.argument("name")
@_organisation
@_roles
@click.option(
    "--public-key", required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path), help="PEM."
)
@json_option
@one_line_errors
def client_add(name: str, organisation: str, roles: tuple[str, ...], public_key: Path, as_json: bool) -> None:
    """Add a program of an organisation.

    \b
    Example: cordon admin client add puller --organisation Acme --role partner_engineer --public-key acme.pub.pem
    """
    pem = public_key.read_bytes().decode("ascii", errors="replace")
    with local_transaction() as session:
        found = find_organisation(session, organisation)
        row = service.create_client(
            session, LOCAL_ADMIN, organisation_id=found.id, name=name, roles=roles, public_key_pem=pem
        )
    say(client_row(row), as_json=as_json, line=_CLIENT_LINE)


@client_group.command("list")
@json_option
@one_line_errors
def client_list(as_json: bool) -> None:
    """List machine clients, newest first. Example: cordon admin client list --json"""
    with local_transaction() as session:
        rows = [client_row(row) for row in every(session, service.list_clients)]
    say(rows, as_json=as_json, line=_CLIENT_LINE)


@client_group.command("disable")
@click.argument("client_id")
@json_option
@one_line_errors
def client_disable(client_id: str, as_json: bool) -> None:
    """End a client and its tokens. Example: cordon admin client disable cordon-0123…"""
    with local_transaction() as session:
        found = queries.client_by_name(session, client_id)
        if found is None:
            raise NotFound(f"there is no client {client_id}")
        row = service.disable_client(session, LOCAL_ADMIN, found.id)
    say(client_row(row), as_json=as_json, line=_CLIENT_LINE)
