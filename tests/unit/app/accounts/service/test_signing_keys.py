"""Registering the public half of a signing key, with proof of the private one."""

from __future__ import annotations

from typing import Any

import pytest
from securesystemslib.signer import CryptoSigner
from sqlalchemy.orm import Session

from app.accounts import service
from app.accounts.service.signing_keys import SigningKeyExists, SigningKeyRefused, challenge
from app.core.errors import Forbidden
from app.core.identity import Role
from tests.factories.accounts import make_identity


def public_of(signer: CryptoSigner) -> dict[str, Any]:
    return dict(signer.public_key.to_dict())


def proof_of(signer: CryptoSigner, identity: Any) -> str:
    return str(signer.sign(challenge(identity.person_id, signer.public_key.keyid)).signature)


def test_the_key_id_is_tufs(session: Session) -> None:
    who, signer = make_identity(session, Role.APPROVER), CryptoSigner.generate_ed25519()
    row = service.register_signing_key(session, who, public=public_of(signer), proof=proof_of(signer, who))
    assert row.keyid == signer.public_key.keyid
    assert row.public == public_of(signer)
    assert [key.keyid for key in service.list_signing_keys(session, who)] == [row.keyid]


def test_one_active_key_each_and_a_key_is_one_persons(session: Session, hands: Any) -> None:
    one, two = make_identity(session, Role.APPROVER), make_identity(session, Role.APPROVER)
    first, second = CryptoSigner.generate_ed25519(), CryptoSigner.generate_ed25519()
    row = service.register_signing_key(session, one, public=public_of(first), proof=proof_of(first, one))
    with pytest.raises(SigningKeyExists, match="active signing key already"):
        service.register_signing_key(session, one, public=public_of(second), proof=proof_of(second, one))
    with pytest.raises(SigningKeyExists, match="This very key"):
        service.register_signing_key(session, two, public=public_of(first), proof=proof_of(first, two))
    row.revoked_at = hands.at
    service.register_signing_key(session, one, public=public_of(second), proof=proof_of(second, one))
    assert service.list_signing_keys(session, two) == []


def test_no_key_without_proof_of_possession(session: Session) -> None:
    who, other = make_identity(session, Role.APPROVER), make_identity(session, Role.APPROVER)
    signer, thief = CryptoSigner.generate_ed25519(), CryptoSigner.generate_ed25519()
    for proof in (proof_of(thief, who), proof_of(signer, other), "", "zz", "00" * 64):
        with pytest.raises(SigningKeyRefused, match="proof"):
            service.register_signing_key(session, who, public=public_of(signer), proof=proof)


@pytest.mark.parametrize(
    "public",
    [
        {},
        {"keytype": "rsa", "scheme": "rsassa-pss-sha256", "keyval": {"public": "00"}},
        {"keytype": "ed25519", "scheme": "ed25519", "keyval": {"public": "00"}},
        {"keytype": "ed25519", "scheme": "ed25519", "keyval": {"public": "z" * 64}},
        {"keytype": "ed25519", "scheme": "ed25519", "keyval": {}},
        {"keytype": "ed25519", "scheme": "ed25519", "keyval": None},
    ],
)
def test_other_keys_are_refused(session: Session, public: dict[str, Any]) -> None:
    with pytest.raises(SigningKeyRefused):
        service.register_signing_key(
            session, make_identity(session, Role.APPROVER), public=public, proof="00"
        )


@pytest.mark.parametrize("role", sorted(set(Role) - {Role.APPROVER}))
def test_only_approvers_have_one(session: Session, role: Role) -> None:
    who, signer = make_identity(session, role), CryptoSigner.generate_ed25519()
    with pytest.raises(Forbidden):
        service.register_signing_key(session, who, public=public_of(signer), proof=proof_of(signer, who))
