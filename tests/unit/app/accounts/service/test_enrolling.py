"""A command line enrolled at the very moment when its person is shut out."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from app.accounts import service
from app.accounts.service import SignInRefused
from app.core.db import Database
from app.core.identity import Role
from tests.factories.accounts import make_identity, make_person


def test_a_reset_between_signing_in_and_enrolling_wins(database: Database) -> None:
    """Otherwise a thief's command line would outlive the reset that was meant to end it."""
    public = Ed25519PrivateKey.generate().public_key()
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    with database.transaction() as session:
        person = make_person(session)
        administrator = make_identity(session, Role.ADMINISTRATOR)
    with database.transaction() as session:
        assert service.enrol_client(session, person, name="laptop", public_key_pem=pem).client_id
    with database.transaction() as session:
        service.reset_person(session, administrator, person.id)
    with database.transaction() as session, pytest.raises(SignInRefused):
        service.enrol_client(session, person, name="thief", public_key_pem=pem)
