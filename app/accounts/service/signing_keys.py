"""The keys that approvers sign releases with: only the public half is ever here, in TUF's own form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from securesystemslib.signer import SSlibKey
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.accounts import queries
from app.accounts.models import Person, SigningKey
from app.audit.events import Tag
from app.audit.service import append
from app.authz.permissions import Permission
from app.authz.predicates import require, require_person
from app.core.errors import Conflict, InvalidRequest
from app.core.identity import Identity


class SigningKeyRefused(InvalidRequest):
    type = "signing-key-refused"
    title = "This is not an Ed25519 key that its owner has proved to hold"


class SigningKeyExists(Conflict):
    type = "signing-key-exists"
    title = "A signing key is registered already"


def challenge(person_id: UUID, keyid: str) -> bytes:
    """What the private half signs to prove possession: three lines, the last without an end of line."""
    return f"cordon signing key\n{person_id}\n{keyid}".encode()


def register_signing_key(
    session: Session, identity: Identity, *, public: Mapping[str, Any], proof: str
) -> SigningKey:
    """Registers the public half; `proof` is the hex signature over `challenge`.

    `public` is a TUF key object; the key id is computed from it as TUF 1.0.33 section 4.2 says, never taken from the
    caller. One active key a person, and a key is one person's only. Raises SigningKeyRefused, SigningKeyExists.
    """
    require(identity, Permission.SIGNING_KEY_REGISTER)
    person_id = require_person(identity)
    session.get(Person, person_id, with_for_update={"of": Person})  # two at once take turns
    key, wrapped = _load(public)
    try:
        key.verify(bytes.fromhex(proof), challenge(person_id, wrapped.keyid))
    except (InvalidSignature, ValueError):
        raise SigningKeyRefused("The proof is not this key's signature over the challenge") from None
    if any(row.revoked_at is None for row in queries.signing_keys_of(session, person_id)):
        raise SigningKeyExists("You have an active signing key already")
    row = SigningKey(person_id=person_id, keyid=wrapped.keyid, public=wrapped.to_dict())
    try:
        with session.begin_nested():
            session.add(row)
    except IntegrityError:
        raise SigningKeyExists("This very key is registered already") from None
    append(session, identity, Tag.KEY_REGISTER, subject=("signing-key", row.id), details={"keyid": row.keyid})
    return row


def list_signing_keys(session: Session, identity: Identity) -> list[SigningKey]:
    """The actor's own keys, newest first."""
    require(identity, Permission.SIGNING_KEY_REGISTER)
    return queries.signing_keys_of(session, require_person(identity))


def _load(public: Mapping[str, Any]) -> tuple[Ed25519PublicKey, SSlibKey]:
    if public.get("keytype") != "ed25519" or public.get("scheme") != "ed25519":
        raise SigningKeyRefused("keytype and scheme must be ed25519")
    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(public["keyval"]["public"]))
    except (KeyError, TypeError, ValueError):
        raise SigningKeyRefused("keyval.public must be 64 hexadecimal digits") from None
    return key, SSlibKey.from_crypto(key)
