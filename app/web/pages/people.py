"""The administrator's screens: organisations, people, machine clients."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from app.accounts import service
from app.accounts.schemas import ClientCreateSchema, OrganisationCreateSchema, PersonCreateSchema
from app.authz.gate import requires
from app.authz.permissions import Permission
from app.core.http import current_identity, transaction
from app.core.identity import Role
from app.web.forms import Form, read_form

pages = Blueprint("people", __name__)
Answer = Response | str | tuple[str, int]
PAGE = 50
KINDS = [("force", "Police force"), ("partner", "Partner company"), ("operator", "Operator of this service")]
ROLES = [(role.value, role.value.replace("_", " ").capitalize()) for role in Role]
MACHINE_ROLES = [
    (r.value, r.value.replace("_", " ").capitalize()) for r in (Role.DATA_OFFICER, Role.PARTNER_ENGINEER)
]


def _organisations(session: Session) -> list[Any]:
    return service.list_organisations(session, current_identity(), limit=200).items


@pages.get("/organisations")
@requires(Permission.ORGANISATION_MANAGE)
def organisations() -> Answer:
    return _organisations_page(Form(), 200)


@pages.post("/organisations")
@requires(Permission.ORGANISATION_MANAGE)
def add_organisation() -> Answer:
    form, data = read_form(OrganisationCreateSchema)
    if form.ok:
        with form.catching(), transaction() as session:
            service.create_organisation(session, current_identity(), **data)
    if not form.ok:
        return _organisations_page(form, 422)
    flash(f"{data['name']} was added.", "success")
    return redirect("/organisations")


def _organisations_page(form: Form, status: int) -> Answer:
    with transaction() as session:
        rows = _organisations(session)
    return render_template("pages/organisations.html", form=form, rows=rows, kinds=KINDS), status


@pages.get("/people")
@requires(Permission.PERSON_MANAGE)
def people() -> Answer:
    return _people_page(Form(), 200)


@pages.post("/people")
@requires(Permission.PERSON_MANAGE)
def add_person() -> Answer:
    """Adds a person and shows the activation code, this once."""
    form, data = read_form(PersonCreateSchema, lists=("roles",))
    if form.ok:
        with form.catching(), transaction() as session:
            person, code = service.create_person(session, current_identity(), **data)
    if not form.ok:
        return _people_page(form, 422)
    return render_template("pages/activation_code.html", person=person, code=code)


@pages.post("/people/<uuid:person_id>/reset")
@requires(Permission.PERSON_MANAGE)
def reset_person(person_id: UUID) -> Answer:
    with transaction() as session:
        person, code = service.reset_person(session, current_identity(), person_id)
    return render_template("pages/activation_code.html", person=person, code=code)


@pages.post("/people/<uuid:person_id>/disable")
@requires(Permission.PERSON_MANAGE)
def disable_person(person_id: UUID) -> Answer:
    with transaction() as session:
        person = service.disable_person(session, current_identity(), person_id)
    flash(f"{person.name} can no longer sign in.", "success")
    return redirect("/people")


def _people_page(form: Form, status: int) -> Answer:
    with transaction() as session:
        page = service.list_people(session, current_identity(), cursor=request.args.get("cursor"), limit=PAGE)
        choices = [(str(o.id), o.name) for o in _organisations(session) if o.disabled_at is None]
    return render_template(
        "pages/people.html", form=form, page=page, organisations=choices, roles=ROLES
    ), status


@pages.get("/clients")
@requires(Permission.CLIENT_MANAGE)
def clients() -> Answer:
    return _clients_page(Form(), 200)


@pages.post("/clients")
@requires(Permission.CLIENT_MANAGE)
def add_client() -> Answer:
    form, data = read_form(ClientCreateSchema, lists=("roles",))
    if form.ok:
        with form.catching(), transaction() as session:
            client = service.create_client(session, current_identity(), **data)
    if not form.ok:
        return _clients_page(form, 422)
    flash(f"{client.name} was added. Its client id is {client.client_id}.", "success")
    return redirect("/clients")


@pages.post("/clients/<uuid:client_id>/disable")
@requires(Permission.CLIENT_MANAGE)
def disable_client(client_id: UUID) -> Answer:
    with transaction() as session:
        client = service.disable_client(session, current_identity(), client_id)
    flash(f"{client.name} is shut out; its tokens are void.", "success")
    return redirect("/clients")


def _clients_page(form: Form, status: int) -> Answer:
    with transaction() as session:
        page = service.list_clients(
            session, current_identity(), cursor=request.args.get("cursor"), limit=PAGE
        )
        found = _organisations(session)
    choices = [(str(o.id), o.name) for o in found if o.disabled_at is None and o.kind != "operator"]
    names = {o.id: o.name for o in found}
    return render_template(
        "pages/clients.html", form=form, page=page, organisations=choices, names=names, roles=MACHINE_ROLES
    ), status
