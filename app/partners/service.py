"""Agreements: a release manager proposes, two approvers admit, time or a decision ends."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.accounts.models import Organisation
from app.audit.events import Tag
from app.audit.service import append
from app.authz.permissions import Permission
from app.authz.predicates import require, require_person
from app.core import clock
from app.core.errors import Conflict, Forbidden, InvalidRequest, NotFound
from app.core.identity import SYSTEM, Identity, OrganisationKind, Role
from app.core.pagination import Page
from app.partners import queries
from app.partners.models import Agreement, AgreementApproval
from app.partners.vocabulary import PURPOSES, TRANSFER_GROUNDS

APPROVALS_NEEDED = 2


class AgreementInvalid(InvalidRequest):
    type = "agreement-invalid"
    title = "The agreement cannot be proposed like this"


class AgreementExists(Conflict):
    type = "agreement-exists"
    title = "An agreement of this reference exists already"


class AgreementState(Conflict):
    type = "agreement-state"
    title = "The agreement does not wait for approval"


class AlreadyApproved(Conflict):
    type = "already-approved"
    title = "You have approved this already: a second person must"


def propose_agreement(
    session: Session,
    identity: Identity,
    *,
    organisation_id: UUID,
    reference: str,
    purposes: Sequence[str],
    country: str,
    transfer_ground: str,
    contact_email: str,
    starts_on: date,
    ends_on: date,
) -> Agreement:
    """A proposed agreement with a partner. Raises AgreementInvalid, AgreementExists."""
    require(identity, Permission.AGREEMENT_PROPOSE)
    proposer = require_person(identity)
    _check(session, organisation_id, purposes, country, transfer_ground, starts_on, ends_on)
    row = Agreement(
        organisation_id=organisation_id,
        reference=reference.strip(),
        purposes=sorted(set(purposes)),
        country=country,
        transfer_ground=transfer_ground,
        contact_email=contact_email,
        starts_on=starts_on,
        ends_on=ends_on,
        state="proposed",
        proposed_by=proposer,
    )
    try:
        with session.begin_nested():
            session.add(row)
    except IntegrityError:
        raise AgreementExists from None
    _record(session, identity, Tag.AGREEMENT_REQUESTED, row)
    session.refresh(row)
    return row


def list_agreements(
    session: Session, identity: Identity, *, cursor: str | None = None, limit: int = 50
) -> Page[Agreement]:
    """All agreements, newest first."""
    require(identity, Permission.AGREEMENT_READ)
    return queries.page_of_agreements(session, cursor=cursor, limit=limit)


def get_agreement(session: Session, identity: Identity, agreement_id: UUID) -> Agreement:
    """One agreement. Raises NotFound."""
    require(identity, Permission.AGREEMENT_READ)
    row = session.get(Agreement, agreement_id)
    if row is None:
        raise NotFound
    return row


def approve_agreement(session: Session, identity: Identity, agreement_id: UUID) -> Agreement:
    """One approver's yes; the second makes it active.

    Raises NotFound, AgreementState, AlreadyApproved; Forbidden for its proposer and for any release manager.
    """
    require(identity, Permission.AGREEMENT_APPROVE)
    approver = require_person(identity)
    row = queries.locked_agreement(session, agreement_id)
    if row is None:
        raise NotFound
    if identity.has(Role.RELEASE_MANAGER) or row.proposed_by == approver:
        raise Forbidden("Who proposes agreements cannot approve them")
    if any(approval.person_id == approver for approval in row.approvals):
        raise AlreadyApproved
    if row.state != "proposed":
        raise AgreementState
    row.approvals.append(AgreementApproval(person_id=approver))
    session.flush()
    _record(session, identity, Tag.AGREEMENT_APPROVED, row)
    if len(row.approvals) >= APPROVALS_NEEDED:
        row.state = "active"
        _record(session, identity, Tag.AGREEMENT_ACTIVE, row)
    return row


def end_expired_agreements(session: Session) -> list[UUID]:
    """Ends what is past its last day (a periodic job); the ids. Grants inside end with it by their own check."""
    ended = queries.agreements_past(session, clock.now().date())
    for row in ended:
        row.state, row.ended_at = "ended", clock.now()
        _record(session, SYSTEM, Tag.AGREEMENT_REVOKED, row)
    return [row.id for row in ended]


def _check(
    session: Session,
    organisation_id: UUID,
    purposes: Sequence[str],
    country: str,
    transfer_ground: str,
    starts_on: date,
    ends_on: date,
) -> None:
    organisation = session.get(Organisation, organisation_id)
    if organisation is None or organisation.kind != OrganisationKind.PARTNER or organisation.disabled_at:
        raise AgreementInvalid("organisation_id names no active partner")
    if unknown := set(purposes) - set(PURPOSES):
        raise AgreementInvalid(f"unknown purpose {sorted(unknown)[0]!r}; there are: {', '.join(PURPOSES)}")
    if not purposes:
        raise AgreementInvalid("name at least one purpose")
    if transfer_ground not in TRANSFER_GROUNDS:
        raise AgreementInvalid(f"transfer_ground is one of {', '.join(TRANSFER_GROUNDS)}")
    if (country == "GB") != (transfer_ground == "domestic"):
        raise AgreementInvalid("the ground 'domestic' is for partners in GB, and for them alone")
    if not starts_on < ends_on:
        raise AgreementInvalid("ends_on must lie after starts_on")
    if ends_on < clock.now().date():
        raise AgreementInvalid("ends_on is in the past")


def _record(session: Session, identity: Identity, tag: Tag, row: Agreement) -> None:
    append(
        session,
        identity,
        tag,
        subject=("agreement", row.id),
        details={"reference": row.reference, "state": row.state, "approvals": len(row.approvals)},
        organisation_id=row.organisation_id,
    )
