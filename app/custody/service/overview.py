"""How a recording stands: everything that was decided about it, and what its force is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from app.authz.permissions import Permission
from app.authz.predicates import require
from app.core.clock import now
from app.core.identity import Identity
from app.custody import queries
from app.custody.models import Erasure, Incident, LegalHold, RetentionReview, SensitivityReview
from app.custody.service.erasing import COOLING
from app.custody.service.retention import due_on
from app.custody.service.scope import scope_of
from app.custody.service.standing_back import stands_back
from app.recordings.models import Recording
from app.recordings.service import find


@dataclass(frozen=True, slots=True)
class Standing:
    """One recording's. `stands_back`: the incident for which the joined recording that it is a part of is in
    quarantine, to its own force. `review_holds` is false also for a review that another redaction has overtaken;
    `free_from`: from when on the officer who requested the erasure may confirm it alone."""

    recording: Recording
    review: SensitivityReview | None
    review_holds: bool
    hold: LegalHold | None
    due_on: date
    retention: RetentionReview | None
    incident: Incident | None
    stands_back: Incident | None
    erasure: Erasure | None
    free_from: datetime | None


@dataclass(frozen=True, slots=True)
class Waiting:
    """How much waits for the officers of a force; of the `erasures` requested the actor may confirm `confirmable`."""

    incidents: int
    reviews: int
    due: int
    erasures: int
    confirmable: int


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
        stands_back=stands_back(session, identity, recording),
        erasure=erasure,
        free_from=erasure.requested_at + COOLING if erasure else None,
    )


def waiting(session: Session, identity: Identity) -> Waiting:
    """How much waits for the actor's force; of all forces for auditors."""
    require(identity, Permission.RECORDING_READ)
    scope = scope_of(identity)
    return Waiting(
        incidents=_count(session, queries.open_incidents(scope)),
        reviews=_count(session, queries.unreviewed(scope)),
        due=_count(session, queries.open_retentions(scope)),
        erasures=_count(session, queries.erasures(scope).where(Erasure.state == "requested")),
        confirmable=_count(session, _confirmable(identity)),
    )


def to_decide(session: Session, identity: Identity) -> int:
    """How many decisions wait for the actor that nobody gets round: incidents, retention reviews, erasures to confirm.

    Sensitivity reviews are not among them: they are asked for before a release, not at a time.
    """
    require(identity, Permission.CUSTODY_DECIDE)
    scope = scope_of(identity)
    pressing = (queries.open_incidents(scope), queries.open_retentions(scope), _confirmable(identity))
    return sum(_count(session, one) for one in pressing)


def _confirmable(identity: Identity) -> Select[Erasure]:
    return queries.confirmable(scope_of(identity), identity.person_id, now() - COOLING)


def _count(session: Session, query: Select[Any]) -> int:
    return int(session.scalar(select(func.count()).select_from(query.subquery())) or 0)
