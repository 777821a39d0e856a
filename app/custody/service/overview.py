"""How a recording stands: everything that was decided about it, and what its force is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.authz.permissions import Permission
from app.authz.predicates import require
from app.core.identity import Identity
from app.custody import queries
from app.custody.models import Erasure, Incident, LegalHold, RetentionReview, SensitivityReview
from app.custody.service.erasing import COOLING
from app.custody.service.retention import due_on
from app.custody.service.scope import scope_of
from app.recordings.models import Recording
from app.recordings.service import find


@dataclass(frozen=True, slots=True)
class Standing:
    """One recording's. `review_holds` is false also for a review that another redaction has overtaken;
    `free_from`: from when on the officer who requested the erasure may confirm it alone."""

    recording: Recording
    review: SensitivityReview | None
    review_holds: bool
    hold: LegalHold | None
    due_on: date
    retention: RetentionReview | None
    incident: Incident | None
    erasure: Erasure | None
    free_from: datetime | None


@dataclass(frozen=True, slots=True)
class Waiting:
    """How much waits for the officers of a force."""

    incidents: int
    reviews: int
    due: int
    erasures: int


def standing(session: Session, identity: Identity, recording_id: UUID) -> Standing:
    """What was decided about a recording. Raises NotFound."""
    recording = find(session, identity, recording_id, Permission.RECORDING_READ)
    erasure = queries.erasure(session, recording_id)
    waits = session.scalar(queries.unreviewed(None, [recording_id]))
    review = queries.review(session, recording_id)
    return Standing(
        recording=recording,
        review=review,
        review_holds=review is not None and waits is None,
        hold=queries.hold(session, recording_id),
        due_on=due_on(session, recording),
        retention=queries.open_retention(session, recording_id),
        incident=queries.incident(session, recording_id),
        erasure=erasure,
        free_from=erasure.requested_at + COOLING if erasure else None,
    )


def waiting(session: Session, identity: Identity) -> Waiting:
    """How much waits for the actor's force; of all forces for auditors."""
    require(identity, Permission.RECORDING_READ)
    scope = scope_of(identity)
    counted = (
        queries.open_incidents(scope),
        queries.unreviewed(scope),
        queries.open_retentions(scope),
        queries.erasures(scope).where(Erasure.state == "requested"),
    )
    counts = (session.scalar(select(func.count()).select_from(one.subquery())) for one in counted)
    return Waiting(*(int(count or 0) for count in counts))
