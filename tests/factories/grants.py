"""Agreements with partners, and grants of a stage's collection under them."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy.orm import Session

from app.accounts.models import Organisation
from app.core.clock import now
from app.core.ids import new_id
from app.partners.models import Agreement
from app.releases.models import Grant
from app.releases.service import collections, grants
from tests.factories.releases import Stage


def make_agreement(session: Session, stage: Stage, partner: Organisation, **values: object) -> Agreement:
    """An active agreement of the partner, with members replaced by `values`."""
    today = now().date()
    facts: dict[str, object] = {
        "id": new_id(),
        "organisation_id": partner.id,
        "reference": f"DSA-{new_id().hex}",
        "purposes": ["detector-development"],
        "country": "GB",
        "transfer_ground": "domestic",
        "contact_email": "x@example.org",
        "starts_on": today - timedelta(days=1),
        "ends_on": today + timedelta(days=30),
        "state": "active",
        "proposed_by": stage.manager.person_id,
    }
    row = Agreement(**facts | values)
    session.add(row)
    session.flush()
    return row


def request_grant(session: Session, stage: Stage, agreement: Agreement, **values: object) -> Grant:
    """A grant of the stage's collection that waits for approvers."""
    facts: dict[str, object] = {
        "agreement_id": agreement.id,
        "dataset_id": collections.dataset_of(session, stage.slug).id,
        "purpose": "detector-development",
        "expires_on": now().date() + timedelta(days=7),
    }
    return grants.request_grant(session, stage.manager, **facts | values)  # type: ignore[arg-type]


def open_grant(session: Session, stage: Stage, partner: Organisation) -> Grant:
    """An active grant of the stage's collection: asked for, and approved by two people."""
    grant = request_grant(session, stage, make_agreement(session, stage, partner))
    for approver in stage.approvers[:2]:
        grants.approve_grant(session, approver.identity, grant_id=grant.id)
    assert grant.state == "active"
    return grant
