"""Who acts on an empty log, the key that signs it, and a way to fill it."""

from collections.abc import Callable, Iterator
from uuid import UUID

import pytest
from sqlalchemy import text

from app.audit.events import Tag
from app.audit.sequencer import integrate
from app.audit.service import append
from app.core.db import Database
from app.core.identity import ActorKind, Identity, OrganisationKind, Role
from app.core.ids import new_id
from app.proofs.note import NoteSigner


@pytest.fixture(scope="session")
def shared_database(new_database: Callable[[], str]) -> Iterator[Database]:
    database = Database(new_database(), pool_size=12)
    yield database
    database.dispose()


@pytest.fixture
def db(shared_database: Database) -> Database:
    """A database whose log is empty and guarded; one for all tests of this folder, since making one takes a second."""
    with shared_database.transaction() as session:
        for table in ("audit_events", "audit_tiles", "audit_checkpoints"):
            session.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))
            session.execute(text(f"TRUNCATE {table}"))
            session.execute(text(f"ALTER TABLE {table} ENABLE TRIGGER USER"))
    return shared_database


@pytest.fixture(scope="session")
def signer() -> NoteSigner:
    return NoteSigner.generate("log.example/audit")


@pytest.fixture
def officer() -> Identity:
    return Identity(
        ActorKind.PERSON,
        new_id(),
        "Jo Officer",
        organisation_id=new_id(),
        organisation_kind=OrganisationKind.FORCE,
        roles=frozenset({Role.DATA_OFFICER}),
        request_id="req-12345678",
        purpose="training",
    )


@pytest.fixture
def auditor() -> Identity:
    operator = OrganisationKind.OPERATOR
    return Identity(ActorKind.PERSON, new_id(), "Al Auditor", new_id(), operator, frozenset({Role.AUDITOR}))


@pytest.fixture
def fill(db: Database, signer: NoteSigner, officer: Identity) -> Callable[..., list[UUID]]:
    """fill(3, 2) appends three events, integrates them, then two more, and so on; returns the events' ids."""

    def fill(*batches: int) -> list[UUID]:
        ids = []
        for batch in batches:
            with db.transaction() as session:
                for number in range(batch):
                    details = {"bytes": number, "name": "caméra.mp4", "parts": [1, {"a": None}]}
                    subject = ("upload", new_id())
                    ids.append(
                        append(session, officer, Tag.UPLOAD_COMPLETE, subject=subject, details=details).id
                    )
            with db.transaction() as session:
                integrate(session, signer)
        return ids

    return fill
