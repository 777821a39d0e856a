"""The administrator's directory: organisations, people, machine clients."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask.views import MethodView

from app.accounts import service
from app.accounts.models import MachineClient, Organisation, Person
from app.accounts.schemas import (
    ClientCreateSchema,
    ClientSchema,
    OrganisationCreateSchema,
    OrganisationSchema,
    PersonCreateSchema,
    PersonSchema,
    PersonWithCodeSchema,
)
from app.authz.gate import requires
from app.authz.permissions import Permission
from app.core.blueprint import Blueprint
from app.core.http import current_identity, transaction
from app.core.pagination import Page
from app.core.schema import PageQuerySchema, page_schema

organisations_blp = Blueprint(
    "organisations",
    __name__,
    url_prefix="/api/v1/organisations",
    description="Forces, partners, the operator",
)
people_blp = Blueprint("people", __name__, url_prefix="/api/v1/people", description="People and their roles")
clients_blp = Blueprint("clients", __name__, url_prefix="/api/v1/clients", description="Machine clients")


@organisations_blp.route("")
class Organisations(MethodView):
    @requires(Permission.ORGANISATION_READ)
    @organisations_blp.arguments(PageQuerySchema, location="query")
    @organisations_blp.response(200, page_schema(OrganisationSchema))
    def get(self, page: dict[str, Any]) -> Page[Organisation]:
        """Organisations, newest first"""
        with transaction() as session:
            return service.list_organisations(session, current_identity(), **page)

    @requires(Permission.ORGANISATION_MANAGE)
    @organisations_blp.arguments(OrganisationCreateSchema)
    @organisations_blp.response(201, OrganisationSchema)
    def post(self, body: dict[str, Any]) -> tuple[Organisation, dict[str, str]]:
        """Add an organisation"""
        with transaction() as session:
            row = service.create_organisation(session, current_identity(), **body)
        return row, {"Location": "/api/v1/organisations"}


@people_blp.route("")
class People(MethodView):
    @requires(Permission.PERSON_MANAGE)
    @people_blp.arguments(PageQuerySchema, location="query")
    @people_blp.response(200, page_schema(PersonSchema))
    def get(self, page: dict[str, Any]) -> Page[Person]:
        """People, newest first"""
        with transaction() as session:
            return service.list_people(session, current_identity(), **page)

    @requires(Permission.PERSON_MANAGE)
    @people_blp.arguments(PersonCreateSchema)
    @people_blp.response(201, PersonWithCodeSchema)
    def post(self, body: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
        """Add a person; the answer holds the activation code, once"""
        with transaction() as session:
            person, code = service.create_person(session, current_identity(), **body)
        return _with_code(person, code), {"Location": "/api/v1/people"}


@people_blp.route("/<uuid:person_id>/reset", methods=["POST"])
@requires(Permission.PERSON_MANAGE)
@people_blp.response(200, PersonWithCodeSchema)
def reset_person(person_id: UUID) -> dict[str, Any]:
    """Take away password, TOTP, sessions and command lines; a new activation code, once"""
    with transaction() as session:
        person, code = service.reset_person(session, current_identity(), person_id)
    return _with_code(person, code)


@people_blp.route("/<uuid:person_id>/disable", methods=["POST"])
@requires(Permission.PERSON_MANAGE)
@people_blp.response(200, PersonSchema)
def disable_person(person_id: UUID) -> Person:
    """End a person's access for good"""
    with transaction() as session:
        return service.disable_person(session, current_identity(), person_id)


@clients_blp.route("")
class Clients(MethodView):
    @requires(Permission.CLIENT_MANAGE)
    @clients_blp.arguments(PageQuerySchema, location="query")
    @clients_blp.response(200, page_schema(ClientSchema))
    def get(self, page: dict[str, Any]) -> Page[MachineClient]:
        """Machine clients, newest first"""
        with transaction() as session:
            return service.list_clients(session, current_identity(), **page)

    @requires(Permission.CLIENT_MANAGE)
    @clients_blp.arguments(ClientCreateSchema)
    @clients_blp.response(201, ClientSchema)
    def post(self, body: dict[str, Any]) -> tuple[MachineClient, dict[str, str]]:
        """Add a program of an organisation"""
        with transaction() as session:
            row = service.create_client(session, current_identity(), **body)
        return row, {"Location": "/api/v1/clients"}


@clients_blp.route("/<uuid:client_id>/disable", methods=["POST"])
@requires(Permission.CLIENT_MANAGE)
@clients_blp.response(200, ClientSchema)
def disable_client(client_id: UUID) -> MachineClient:
    """End a client and its tokens"""
    with transaction() as session:
        return service.disable_client(session, current_identity(), client_id)


def _with_code(person: Person, code: str) -> dict[str, Any]:
    return {name: getattr(person, name) for name in PersonSchema().fields} | {"activation_code": code}
