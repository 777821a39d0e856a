"""The administrator's directory: organisations, people, clients."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts import service
from app.accounts.service.clients import KeyRefused
from app.accounts.service.organisations import OrganisationExists
from app.accounts.service.people import EmailTaken
from app.accounts.service.roles import RolesRefused
from app.audit.models import AuditEvent
from app.core.errors import Conflict, Forbidden, InvalidRequest, NotFound
from app.core.identity import Identity, OrganisationKind, Role
from app.core.ids import new_id
from tests.factories.accounts import (
    identity_of,
    make_client,
    make_identity,
    make_organisation,
    make_person,
    make_token,
)


@pytest.fixture
def admin(session: Session) -> Identity:
    return make_identity(session, Role.ADMINISTRATOR)


def pem(key: Any) -> str:
    text: str = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    return text


def tags(session: Session) -> list[str]:
    session.flush()
    return list(session.scalars(select(AuditEvent.tag).order_by(AuditEvent.id)))


def test_names_are_unique_and_tidied(session: Session, admin: Identity) -> None:
    row = service.create_organisation(session, admin, kind="force", name="  North \t Force ")
    assert row.name == "North Force"
    with pytest.raises(OrganisationExists):
        service.create_organisation(session, admin, kind="partner", name="North Force")
    assert tags(session) == ["organisation:create"], "a refusal leaves the transaction usable and no entry"


@pytest.mark.parametrize("role", sorted(set(Role) - {Role.ADMINISTRATOR}))
def test_only_administrators_manage_accounts(session: Session, role: Role) -> None:
    who = make_identity(session, role)
    for act in (
        lambda: service.create_organisation(session, who, kind="force", name="x"),
        lambda: service.create_person(session, who, organisation_id=new_id(), email="e", name="n", roles=[]),
        lambda: service.create_client(
            session, who, organisation_id=new_id(), name="n", roles=[], public_key_pem=""
        ),
        lambda: service.list_people(session, who),
        lambda: service.disable_person(session, who, new_id()),
        lambda: service.disable_client(session, who, new_id()),
    ):
        with pytest.raises(Forbidden):
            act()


def test_people(session: Session, admin: Identity) -> None:
    force = make_organisation(session, kind=OrganisationKind.FORCE)
    given = {"organisation_id": force.id, "name": "Kim", "roles": ["data_officer"]}
    person, _ = service.create_person(session, admin, email="Kim@force.example", **given)
    with pytest.raises(EmailTaken):
        service.create_person(session, admin, email="kim@FORCE.example", **given)
    with pytest.raises(RolesRefused):
        service.create_person(
            session, admin, email="b@force.example", **{**given, "roles": ["release_manager"]}
        )
    with pytest.raises(InvalidRequest, match="no active organisation"):
        service.create_person(
            session, admin, email="c@force.example", **{**given, "organisation_id": new_id()}
        )
    service.disable_organisation(session, admin, force.id)
    with pytest.raises(InvalidRequest, match="no active organisation"):
        service.create_person(session, admin, email="d@force.example", **given)
    assert [p.id for p in service.list_people(session, admin, limit=1).items] == [person.id]


@pytest.mark.parametrize("act", [service.reset_person, service.disable_person])
def test_reset_and_disable_end_sessions_and_command_lines(
    session: Session, admin: Identity, act: Any
) -> None:
    person = make_person(session, roles=[Role.REVIEWER])
    client, _ = make_client(session, person=person)
    token, cookie = make_token(session, client), person.fs_uniquifier
    act(session, admin, person.id)
    assert service.identity_of_token(session, token, "staff") is None
    assert service.person_of_session(session, cookie, "staff") is None
    assert client.disabled_at is not None
    assert person.password is None


def test_what_cannot_be_disabled(session: Session) -> None:
    person = make_person(session, roles=[Role.ADMINISTRATOR])
    who = identity_of(person)
    with pytest.raises(Conflict, match="yourself"):
        service.disable_person(session, who, person.id)
    with pytest.raises(Conflict, match="operator"):
        service.disable_organisation(session, who, person.organisation_id)
    for act in (
        service.disable_person,
        service.reset_person,
        service.disable_client,
        service.disable_organisation,
    ):
        with pytest.raises(NotFound):
            act(session, who, new_id())


def test_clients_register_only_the_two_kinds_of_public_key(session: Session, admin: Identity) -> None:
    partner = make_organisation(session, kind=OrganisationKind.PARTNER)
    p256 = ec.generate_private_key(ec.SECP256R1())
    private = p256.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()

    def add(key: str) -> Any:
        return service.create_client(
            session,
            admin,
            organisation_id=partner.id,
            name="puller",
            roles=["partner_engineer"],
            public_key_pem=key,
        )

    ids = {add(pem(key)).client_id for key in (p256, ed25519.Ed25519PrivateKey.generate())}
    assert len(ids) == 2
    weak = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    for bad in (pem(ec.generate_private_key(ec.SECP384R1())), pem(weak), private, "", "not PEM"):
        with pytest.raises(KeyRefused):
            add(bad)


def test_a_disabled_clients_tokens_are_gone(session: Session, admin: Identity) -> None:
    client, _ = make_client(session)
    token = make_token(session, client)
    service.disable_client(session, admin, client.id)
    service.disable_client(session, admin, client.id)
    assert service.identity_of_token(session, token, "partner") is None
    assert tags(session) == ["client:revoke"], "the second time changes nothing"
    assert [c.id for c in service.list_clients(session, admin).items] == [client.id]
