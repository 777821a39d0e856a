"""Reads of accounts, and the locks that state changes take."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.accounts.models import (
    AccessToken,
    ClientAssertion,
    MachineClient,
    Organisation,
    Person,
    SigningKey,
)
from app.core.pagination import Page, paginate


def organisation_named(session: Session, name: str) -> Organisation | None:
    return session.scalars(select(Organisation).where(Organisation.name == name)).first()


def page_of_organisations(session: Session, *, cursor: str | None, limit: int) -> Page[Organisation]:
    return paginate(session, select(Organisation), Organisation.id, cursor=cursor, limit=limit)


def person_by_email(session: Session, email: str, *, lock: bool = False) -> Person | None:
    """Case does not matter. `lock` takes the row's lock, so that attempts on one account take turns."""
    query = select(Person).where(func.lower(Person.email) == func.lower(email))
    if lock:
        query = query.with_for_update(of=Person).execution_options(populate_existing=True)
    return session.scalars(query).first()


def person_by_session(session: Session, fs_uniquifier: str) -> Person | None:
    return session.scalars(select(Person).where(Person.fs_uniquifier == fs_uniquifier)).first()


def page_of_people(session: Session, *, cursor: str | None, limit: int) -> Page[Person]:
    return paginate(session, select(Person), Person.id, cursor=cursor, limit=limit)


def client_by_name(session: Session, client_id: str) -> MachineClient | None:
    """By its public `client_id`."""
    return session.scalars(select(MachineClient).where(MachineClient.client_id == client_id)).first()


def page_of_clients(session: Session, *, cursor: str | None, limit: int) -> Page[MachineClient]:
    return paginate(session, select(MachineClient), MachineClient.id, cursor=cursor, limit=limit)


def clients_of_person(session: Session, person_id: UUID) -> list[MachineClient]:
    """A person's own command lines, disabled ones too."""
    return list(session.scalars(select(MachineClient).where(MachineClient.person_id == person_id)))


def spend_assertion(session: Session, client_id: UUID, jti: str, expires_at: datetime) -> bool:
    """Records the assertion; False when it was spent before. Two at once cannot both be first."""
    row = insert(ClientAssertion).values(client_id=client_id, jti=jti, expires_at=expires_at)
    done = session.execute(row.on_conflict_do_nothing().returning(ClientAssertion.jti))
    return done.first() is not None


def delete_tokens_of(session: Session, client_id: UUID) -> None:
    session.execute(delete(AccessToken).where(AccessToken.client_id == client_id))


def delete_expired(session: Session, at: datetime) -> int:
    """Removes tokens and spent assertions whose time is over; how many."""
    tokens = session.execute(
        delete(AccessToken).where(AccessToken.expires_at <= at).returning(AccessToken.client_id)
    )
    spent = session.execute(
        delete(ClientAssertion).where(ClientAssertion.expires_at <= at).returning(ClientAssertion.client_id)
    )
    return len(tokens.all()) + len(spent.all())


def signing_keys_of(session: Session, person_id: UUID) -> list[SigningKey]:
    """A person's keys, newest first."""
    query = select(SigningKey).where(SigningKey.person_id == person_id).order_by(SigningKey.id.desc())
    return list(session.scalars(query))


def signing_key(session: Session, keyid: str) -> SigningKey | None:
    return session.scalars(select(SigningKey).where(SigningKey.keyid == keyid)).first()


def active_organisations(session: Session, kind: str) -> list[Organisation]:
    """The organisations of one kind that are not disabled, by name."""
    query = select(Organisation).where(Organisation.kind == kind, Organisation.disabled_at.is_(None))
    return list(session.scalars(query.order_by(Organisation.name)))
