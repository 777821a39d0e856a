"""From a row to who acts: only what is active, in an active organisation, on the surface that serves it."""

from __future__ import annotations

from typing import Literal

from app.accounts.models import MachineClient, Organisation, Person
from app.core.identity import ActorKind, Identity, OrganisationKind, Role

Surface = Literal["staff", "partner"]


def surface_of(organisation: Organisation) -> Surface:
    """Companies use the partner surface, forces and the operator the staff surface; never the other's."""
    return "partner" if organisation.kind == OrganisationKind.PARTNER else "staff"


def person_may_act(person: Person, surface: Surface) -> bool:
    """Active, of an active organisation, fully activated, and on the right surface."""
    return (
        person.active
        and person.activated
        and person.organisation.disabled_at is None
        and surface_of(person.organisation) == surface
    )


def client_may_act(client: MachineClient, surface: Surface) -> bool:
    """Not disabled, of an active organisation, on the right surface; and its person, if it has one, may act."""
    return (
        client.disabled_at is None
        and client.organisation.disabled_at is None
        and surface_of(client.organisation) == surface
        and (client.person is None or person_may_act(client.person, surface))
    )


def identity_of_person(
    person: Person, *, request_id: str | None = None, purpose: str | None = None
) -> Identity:
    """The identity of a person who signed in."""
    return Identity(
        ActorKind.PERSON,
        person.id,
        person.email,
        organisation_id=person.organisation_id,
        organisation_kind=OrganisationKind(person.organisation.kind),
        roles=frozenset(Role(role) for role in person.roles),
        person_id=person.id,
        request_id=request_id,
        purpose=purpose,
    )


def identity_of_client(
    client: MachineClient, *, request_id: str | None = None, purpose: str | None = None
) -> Identity:
    """A machine's identity with its own roles; a person's command line has the roles its person has today."""
    person = client.person
    return Identity(
        ActorKind.CLIENT,
        client.id,
        f"{person.email} ({client.name})" if person is not None else client.name,
        organisation_id=client.organisation_id,
        organisation_kind=OrganisationKind(client.organisation.kind),
        roles=frozenset(Role(role) for role in (person.roles if person is not None else client.roles)),
        person_id=person.id if person is not None else None,
        request_id=request_id,
        purpose=purpose,
    )
