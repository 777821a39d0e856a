"""Grants: a collection opened to a partner, inside its agreement, on the word of two approvers."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.audit.events import Tag
from app.audit.service import append
from app.authz.permissions import Permission
from app.authz.predicates import require, require_person
from app.core.clock import now
from app.core.errors import NotFound
from app.core.identity import SYSTEM, Identity
from app.core.ids import new_id
from app.core.pagination import Page
from app.datasets.models import Dataset
from app.partners.models import Agreement
from app.releases import queries
from app.releases.models import Grant, GrantApproval
from app.releases.service.errors import GrantRefused, GrantState, OwnComposition, SignedTwice

APPROVALS_NEEDED = 2


def request_grant(
    session: Session,
    identity: Identity,
    *,
    agreement_id: UUID,
    dataset_id: UUID,
    purpose: str,
    expires_on: date,
) -> Grant:
    """Asks for a grant. Raises GrantRefused where the agreement is not active, or its term or purposes differ."""
    require(identity, Permission.GRANT_PROPOSE)
    person_id = require_person(identity)
    agreement = session.get(Agreement, agreement_id)
    if agreement is None or session.get(Dataset, dataset_id) is None:
        raise NotFound
    _check_agreement(agreement, purpose, expires_on)
    grant = Grant(
        id=new_id(),
        agreement_id=agreement_id,
        dataset_id=dataset_id,
        purpose=purpose,
        expires_on=expires_on,
        state="requested",
        requested_by=person_id,
        approvals=[],
    )
    session.add(grant)
    session.flush()
    append(session, identity, Tag.GRANT_REQUESTED, subject=("grant", grant.id), purpose=purpose)
    return grant


def _check_agreement(agreement: Agreement, purpose: str, expires_on: date) -> None:
    today = now().date()
    if agreement.state != "active" or not agreement.starts_on <= today <= agreement.ends_on:
        raise GrantRefused("The agreement is not active today")
    if purpose not in agreement.purposes:
        raise GrantRefused(
            f"The agreement does not name this purpose; it names: {', '.join(agreement.purposes)}"
        )
    if not today <= expires_on <= agreement.ends_on:
        raise GrantRefused(f"A grant ends with its agreement, on {agreement.ends_on}, or sooner")


def list_grants(session: Session, identity: Identity, *, cursor: str | None, limit: int) -> Page[Grant]:
    """Newest first."""
    require(identity, Permission.GRANT_READ)
    return queries.page_of_grants(session, cursor=cursor, limit=limit)


def approve_grant(session: Session, identity: Identity, *, grant_id: UUID) -> Grant:
    """One approver's yes; the second one's makes it active. Raises OwnComposition, SignedTwice, GrantState."""
    require(identity, Permission.GRANT_APPROVE)
    person_id = require_person(identity)
    grant = _locked(session, grant_id)
    if grant.requested_by == person_id:
        raise OwnComposition("Nobody approves what they asked for")
    if any(a.person_id == person_id for a in grant.approvals):
        raise SignedTwice
    if grant.state != "requested":
        raise GrantState(f"It is {grant.state}")
    _check_agreement(grant.agreement, grant.purpose, grant.expires_on)
    grant.approvals.append(GrantApproval(id=new_id(), grant_id=grant.id, person_id=person_id))
    append(session, identity, Tag.GRANT_APPROVED, subject=("grant", grant.id), purpose=grant.purpose)
    if len(grant.approvals) >= APPROVALS_NEEDED:
        grant.state = "active"
        append(session, identity, Tag.GRANT_ACTIVE, subject=("grant", grant.id), purpose=grant.purpose)
    session.flush()
    return grant


def revoke_grant(session: Session, identity: Identity, *, grant_id: UUID, reason: str) -> Grant:
    """Ends a grant at once; one person is enough to close a door. Raises GrantState when it is over already."""
    require(identity, Permission.GRANT_PROPOSE)
    grant = _locked(session, grant_id)
    if grant.state in ("expired", "revoked"):
        raise GrantState(f"It is {grant.state}")
    grant.state, grant.revoked_at = "revoked", now()
    session.flush()
    append(session, identity, Tag.GRANT_REVOKED, subject=("grant", grant.id), details={"reason": reason})
    return grant


def _locked(session: Session, grant_id: UUID) -> Grant:
    grant = session.get(Grant, grant_id, with_for_update={"of": Grant})
    if grant is None:
        raise NotFound
    return grant


def end_expired(session: Session) -> int:
    """Marks active grants whose last day, or whose agreement's, is over; returns how many."""
    today = now().date()
    query = (
        select(Grant)
        .join(Agreement, Agreement.id == Grant.agreement_id)
        .where(Grant.state == "active", (Grant.expires_on < today) | (Agreement.ends_on < today))
        .with_for_update(of=Grant)
    )
    over = list(session.scalars(query))
    for grant in over:
        grant.state = "expired"
        append(session, SYSTEM, Tag.GRANT_EXPIRED, subject=("grant", grant.id))
    return len(over)
