"""Organisations, people and clients as rows, for tests of everything above accounts.

Plain functions on an open session: they flush, and the caller's transaction commits.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from hashlib import sha256
from itertools import count
from secrets import token_hex, token_urlsafe

from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlalchemy.orm import Session

from app.accounts.models import AccessToken, MachineClient, Organisation, Person
from app.core.clock import now
from app.core.identity import ActorKind, Identity, OrganisationKind, Role

KIND_OF = {Role.DATA_OFFICER: OrganisationKind.FORCE, Role.PARTNER_ENGINEER: OrganisationKind.PARTNER}
_numbers = count(1)


def make_organisation(session: Session, *, kind: str = "force", name: str | None = None) -> Organisation:
    """An organisation of that kind with a name of its own."""
    row = Organisation(kind=str(kind), name=name or f"{kind} {next(_numbers)} {token_hex(4)}")
    session.add(row)
    session.flush()
    return row


def make_person(
    session: Session,
    *,
    roles: Iterable[Role] = (Role.DATA_OFFICER,),
    organisation: Organisation | None = None,
    email: str | None = None,
    name: str = "Robin Example",
) -> Person:
    """An active person without a password, in an organisation (made if not given) that suits the first role."""
    held = [Role(role) for role in roles]
    kind = KIND_OF.get(held[0], OrganisationKind.OPERATOR) if held else OrganisationKind.OPERATOR
    row = Person(
        organisation=organisation or make_organisation(session, kind=kind),
        email=email or f"person{next(_numbers)}.{token_hex(4)}@example.org",
        name=name,
        roles=[role.value for role in held],
        fs_uniquifier=token_hex(32),
    )
    session.add(row)
    session.flush()
    return row


def identity_of(person: Person, *, purpose: str | None = None) -> Identity:
    """The identity that a person's session carries."""
    return Identity(
        ActorKind.PERSON,
        person.id,
        person.email,
        organisation_id=person.organisation_id,
        organisation_kind=OrganisationKind(person.organisation.kind),
        roles=frozenset(Role(role) for role in person.roles),
        person_id=person.id,
        purpose=purpose,
    )


def make_identity(session: Session, *roles: Role, organisation: Organisation | None = None) -> Identity:
    """A new person's identity: `make_identity(session, Role.REVIEWER)`."""
    return identity_of(make_person(session, roles=roles, organisation=organisation))


def make_client(
    session: Session,
    *,
    organisation: Organisation | None = None,
    person: Person | None = None,
    roles: Iterable[Role] = (),
    key: EllipticCurvePrivateKey | None = None,
) -> tuple[MachineClient, EllipticCurvePrivateKey]:
    """A machine client, or with `person` that person's command line; and its private key (ES256)."""
    key = key or generate_private_key(SECP256R1())
    pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    owner = person.organisation if person is not None else organisation
    row = MachineClient(
        organisation=owner or make_organisation(session, kind="partner"),
        person=person,
        client_id=f"client-{token_hex(12)}",
        name=f"client {next(_numbers)}",
        roles=[Role(role).value for role in roles],
        public_key_pem=pem,
    )
    session.add(row)
    session.flush()
    return row, key


def make_token(session: Session, client: MachineClient, *, expires_at: datetime | None = None) -> str:
    """A bearer token of the client, 15 minutes unless told."""
    token = token_urlsafe(32)
    digest = sha256(token.encode()).digest()
    session.add(
        AccessToken(token_hash=digest, client=client, expires_at=expires_at or now() + timedelta(seconds=900))
    )
    session.flush()
    return token


def bearer(session: Session, person: Person) -> dict[str, str]:
    """Request headers that act as the person, through a command line of theirs."""
    client, _ = make_client(session, person=person)
    return {"Authorization": f"Bearer {make_token(session, client)}"}
