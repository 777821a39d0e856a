"""Machine clients: programs of an organisation, and people's own command lines. Only their public key is known."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from uuid import UUID

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key
from sqlalchemy.orm import Session

from app.accounts import queries
from app.accounts.models import MachineClient, Organisation, Person
from app.accounts.service.identities import identity_of_person
from app.accounts.service.roles import check_roles
from app.accounts.service.sessions import SignInRefused
from app.audit.events import Tag
from app.audit.service import append
from app.authz.permissions import Permission
from app.authz.predicates import require
from app.core import clock
from app.core.errors import InvalidRequest, NotFound
from app.core.identity import Identity, OrganisationKind
from app.core.pagination import Page

PublicKey = EllipticCurvePublicKey | Ed25519PublicKey


class KeyRefused(InvalidRequest):
    type = "key-refused"
    title = "Give a public key in PEM: P-256 (for ES256) or Ed25519 (for EdDSA)"


def load_public_key(pem: str) -> PublicKey:
    """Raises KeyRefused for anything but a P-256 or Ed25519 public key."""
    try:
        key = load_pem_public_key(pem.encode())
    except (ValueError, UnsupportedAlgorithm):
        raise KeyRefused from None
    if isinstance(key, Ed25519PublicKey):
        return key
    if isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, SECP256R1):
        return key
    raise KeyRefused


def create_client(
    session: Session,
    identity: Identity,
    *,
    organisation_id: UUID,
    name: str,
    roles: Iterable[str],
    public_key_pem: str,
) -> MachineClient:
    """A program of an organisation. Raises KeyRefused, RolesRefused, InvalidRequest."""
    require(identity, Permission.CLIENT_MANAGE)
    organisation = session.get(Organisation, organisation_id)
    if organisation is None or organisation.disabled_at is not None:
        raise InvalidRequest("organisation_id names no active organisation")
    held = check_roles(OrganisationKind(organisation.kind), roles, machine=True)
    return _add(session, identity, organisation.id, None, name, held, public_key_pem)


def enrol_client(session: Session, person: Person, *, name: str, public_key_pem: str) -> MachineClient:
    """A command line for a person who has just signed in; it has whatever roles its person has.

    Raises KeyRefused, and SignInRefused for one who was shut out or reset since: that ended what there was by then.
    """
    signed_in_as = person.fs_uniquifier
    person = session.get_one(Person, person.id, with_for_update={"of": Person}, populate_existing=True)
    if person.fs_uniquifier != signed_in_as:
        raise SignInRefused
    identity = identity_of_person(person)
    return _add(session, identity, person.organisation_id, person.id, name, [], public_key_pem)


def list_clients(
    session: Session, identity: Identity, *, cursor: str | None = None, limit: int = 50
) -> Page[MachineClient]:
    """All machine clients, newest first."""
    require(identity, Permission.CLIENT_MANAGE)
    return queries.page_of_clients(session, cursor=cursor, limit=limit)


def disable_client(session: Session, identity: Identity, client_id: UUID) -> MachineClient:
    """Ends the client and its tokens at once. Raises NotFound."""
    require(identity, Permission.CLIENT_MANAGE)
    row = session.get(MachineClient, client_id, with_for_update={"of": MachineClient})
    if row is None:
        raise NotFound
    if row.disabled_at is None:
        row.disabled_at = clock.now()
        queries.delete_tokens_of(session, row.id)
        _record(session, identity, Tag.CLIENT_REVOKE, row)
    return row


def _add(
    session: Session,
    identity: Identity,
    organisation_id: UUID,
    person_id: UUID | None,
    name: str,
    roles: list[str],
    pem: str,
) -> MachineClient:
    key = load_public_key(pem)
    row = MachineClient(
        organisation_id=organisation_id,
        person_id=person_id,
        client_id=f"cordon-{secrets.token_hex(16)}",
        name=" ".join(name.split()),
        roles=roles,
        public_key_pem=key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode(),
    )
    session.add(row)
    session.flush()
    _record(session, identity, Tag.CLIENT_CREATE, row)
    return row


def _record(session: Session, identity: Identity, tag: Tag, client: MachineClient) -> None:
    append(
        session,
        identity,
        tag,
        subject=("client", client.id),
        details={"client_id": client.client_id, "name": client.name, "roles": ",".join(client.roles)},
        organisation_id=client.organisation_id,
    )
