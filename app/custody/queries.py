"""How decisions are found."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime
from typing import TypeVar
from uuid import UUID

from sqlalchemy import Date, Select, case, cast, exists, func, select
from sqlalchemy.orm import Session, aliased

from app.audit.events import Tag
from app.audit.models import AuditEvent
from app.custody.models import Erasure, Incident, LegalHold, RetentionReview, SensitivityReview
from app.custody.schedule import YEARS
from app.exercises.models import Exercise
from app.recordings.models import Recording
from app.redaction.models import Redaction

T = TypeVar("T")


def review(session: Session, recording_id: UUID) -> SensitivityReview | None:
    """The review that was not revoked."""
    query = select(SensitivityReview).where(
        SensitivityReview.recording_id == recording_id, SensitivityReview.revoked_at.is_(None)
    )
    return session.scalar(query)


def hold(session: Session, recording_id: UUID) -> LegalHold | None:
    """The hold that stands."""
    query = select(LegalHold).where(LegalHold.recording_id == recording_id, LegalHold.lifted_at.is_(None))
    return session.scalar(query)


def incident(session: Session, recording_id: UUID) -> Incident | None:
    """The incident that was not cleared."""
    query = select(Incident).where(
        Incident.recording_id == recording_id, Incident.outcome.is_distinct_from("cleared")
    )
    return session.scalar(query)


def erasure(session: Session, recording_id: UUID) -> Erasure | None:
    """The erasure that was not cancelled."""
    query = select(Erasure).where(Erasure.recording_id == recording_id, Erasure.state != "cancelled")
    return session.scalar(query)


def open_retention(session: Session, recording_id: UUID) -> RetentionReview | None:
    """The retention review that waits for a decision."""
    query = select(RetentionReview).where(
        RetentionReview.recording_id == recording_id, RetentionReview.decided_at.is_(None)
    )
    return session.scalar(query)


def kept_until(session: Session, recording_id: UUID) -> date | None:
    """Until when the force last decided to keep the recording; None where it never did."""
    query = select(func.max(RetentionReview.keep_until)).where(RetentionReview.recording_id == recording_id)
    return session.scalar(query)


def newly_due(on: date, limit: int) -> Select[Recording]:
    """Recordings that are due on that day and have neither an open review nor an erasure under way."""
    years = case(YEARS, value=Exercise.retention_category)
    by_category = cast(Exercise.held_on + func.make_interval(years), Date)
    kept = (
        select(func.max(RetentionReview.keep_until))
        .where(RetentionReview.recording_id == Recording.id)
        .correlate(Recording)
        .scalar_subquery()
    )
    waiting = exists().where(
        RetentionReview.recording_id == Recording.id, RetentionReview.decided_at.is_(None)
    )
    ending = exists().where(Erasure.recording_id == Recording.id, Erasure.state != "cancelled")
    due = func.coalesce(kept, by_category) <= on
    query = select(Recording).join(Exercise, Exercise.id == Recording.exercise_id)
    return (
        query.where(Recording.state != "erased", due, ~waiting, ~ending).order_by(Recording.id).limit(limit)
    )


def unreviewed(organisation_id: UUID | None, ids: Collection[UUID] | None = None) -> Select[Recording]:
    """Ready recordings without a review that speaks of what would leave now, of one force or (None) of all."""
    other = aliased(Redaction)
    newest = select(func.max(other.number)).where(other.recording_id == Recording.id).scalar_subquery()
    counts = (
        select(Redaction.id)
        .where(
            Redaction.recording_id == Recording.id,
            Redaction.state == "rendered",
            Redaction.number == newest,
        )
        .correlate(Recording)
        .scalar_subquery()
    )
    holds = exists().where(
        SensitivityReview.recording_id == Recording.id,
        SensitivityReview.revoked_at.is_(None),
        SensitivityReview.redaction_id.is_not_distinct_from(counts),
    )
    query = select(Recording).where(Recording.state == "ready", ~holds)
    if organisation_id is not None:
        query = query.where(Recording.organisation_id == organisation_id)
    return query if ids is None else query.where(Recording.id.in_(ids))


def open_retentions(organisation_id: UUID | None) -> Select[RetentionReview]:
    """Retention reviews that wait."""
    query = select(RetentionReview).join(Recording, Recording.id == RetentionReview.recording_id)
    query = query.where(RetentionReview.decided_at.is_(None), Recording.state != "erased")
    return _of(query, organisation_id)


def open_incidents(organisation_id: UUID | None) -> Select[Incident]:
    """Incidents whose recording is still quarantined."""
    query = select(Incident).join(Recording, Recording.id == Incident.recording_id)
    query = query.where(Incident.outcome.is_distinct_from("cleared"), Recording.state == "quarantined")
    return _of(query, organisation_id)


def erasures(organisation_id: UUID | None) -> Select[Erasure]:
    """Erasures under way and done."""
    query = select(Erasure).join(Recording, Recording.id == Erasure.recording_id)
    return _of(query.where(Erasure.state != "cancelled"), organisation_id)


def confirmable(
    organisation_id: UUID | None, person_id: UUID | None, requested_by: datetime
) -> Select[Erasure]:
    """Erasures that the person may confirm: another officer's, or their own of up to that time."""
    another = Erasure.requested_by.is_distinct_from(person_id)
    query = erasures(organisation_id).where(Erasure.state == "requested")
    return query.where(another | (Erasure.requested_at <= requested_by))


def holds(organisation_id: UUID | None) -> Select[LegalHold]:
    """Holds that stand."""
    query = select(LegalHold).join(Recording, Recording.id == LegalHold.recording_id)
    return _of(query.where(LegalHold.lifted_at.is_(None)), organisation_id)


def _of(query: Select[T], organisation_id: UUID | None) -> Select[T]:
    """Of one force; for all of them (None), without what is quarantined: that is its own force's alone."""
    if organisation_id is None:
        return query.where(Recording.state != "quarantined")
    return query.where(Recording.organisation_id == organisation_id)


def event_of(session: Session, recording_id: UUID, tag: Tag) -> UUID | None:
    """The id of the newest log entry of that tag about a recording."""
    query = select(AuditEvent.id).where(
        AuditEvent.subject_kind == "recording",
        AuditEvent.subject_id == recording_id,
        AuditEvent.tag == tag.value,
    )
    return session.scalar(query.order_by(AuditEvent.id.desc()).limit(1))


def without_receipt(session: Session, limit: int) -> list[Recording]:
    """Recordings that were received before the log said so in full."""
    told = exists().where(
        AuditEvent.subject_kind == "recording",
        AuditEvent.subject_id == Recording.id,
        AuditEvent.tag == Tag.RECORDING_RECEIVED.value,
    )
    return list(session.scalars(select(Recording).where(~told).order_by(Recording.id).limit(limit)))


def stalled_erasures(session: Session) -> list[Erasure]:
    """Erasures that a job should be working on."""
    query = select(Erasure).where(Erasure.state.in_(("confirmed", "erasing"))).order_by(Erasure.id)
    return list(session.scalars(query))
