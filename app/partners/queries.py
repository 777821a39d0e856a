"""Reads of agreements."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.pagination import Page, paginate
from app.partners.models import Agreement


def page_of_agreements(session: Session, *, cursor: str | None, limit: int) -> Page[Agreement]:
    return paginate(session, select(Agreement), Agreement.id, cursor=cursor, limit=limit)


def locked_agreement(session: Session, agreement_id: UUID) -> Agreement | None:
    """The agreement as it stands now, under its row's lock until the transaction ends."""
    return session.get(Agreement, agreement_id, with_for_update={"of": Agreement}, populate_existing=True)


def active_agreement(session: Session, organisation_id: UUID, on: date) -> Agreement | None:
    """The partner's active agreement whose term covers that day, both ends included; the newest of several."""
    query = select(Agreement).where(
        Agreement.organisation_id == organisation_id,
        Agreement.state == "active",
        Agreement.starts_on <= on,
        Agreement.ends_on >= on,
    )
    return session.scalars(query.order_by(Agreement.id.desc())).first()


def agreements_past(session: Session, on: date) -> list[Agreement]:
    """Active agreements whose last day is before that day, locked."""
    query = select(Agreement).where(Agreement.state == "active", Agreement.ends_on < on)
    return list(session.scalars(query.order_by(Agreement.id).with_for_update(of=Agreement)))
