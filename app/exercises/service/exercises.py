"""Exercises: created, described better and closed by the force that held them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final
from uuid import UUID

from sqlalchemy.orm import Session

from app.audit import service as audit
from app.audit.events import Tag
from app.authz.permissions import Permission
from app.authz.predicates import require, require_same_organisation, sees_every_organisation
from app.core.clock import now
from app.core.errors import Forbidden, InvalidRequest, NotFound, StaleVersion
from app.core.identity import Identity, OrganisationKind
from app.core.pagination import Page, paginate
from app.exercises import queries
from app.exercises.models import Exercise
from app.exercises.service.errors import ExerciseClosed, ExerciseOpen
from app.exercises.vocabulary import VOCABULARIES

EDITABLE: Final = frozenset(
    {
        "title",
        "held_on",
        "venue",
        "scenario",
        "weapons",
        "lighting",
        "lawful_basis",
        "consent_record",
        "retention_category",
    }
)


def create_exercise(
    session: Session,
    identity: Identity,
    *,
    title: str,
    held_on: date,
    venue: str,
    scenario: str,
    weapons: Sequence[str],
    lighting: str,
    retention_category: str,
    lawful_basis: str | None = None,
    consent_record: str | None = None,
) -> Exercise:
    """Writes a new open exercise of the actor's force.

    Raises Forbidden for anyone who does not act for a force, InvalidRequest for a word outside the vocabulary.
    """
    require(identity, Permission.EXERCISE_WRITE)
    if identity.organisation_kind is not OrganisationKind.FORCE or identity.organisation_id is None:
        raise Forbidden("Exercises belong to police forces: sign in as a force's data officer")
    values: dict[str, Any] = {
        "title": title,
        "held_on": held_on,
        "venue": venue,
        "scenario": scenario,
        "weapons": list(weapons),
        "lighting": lighting,
        "retention_category": retention_category,
        "lawful_basis": lawful_basis,
        "consent_record": consent_record,
    }
    _check_words(values)
    exercise = Exercise(organisation_id=identity.organisation_id, **values)
    session.add(exercise)
    session.flush()
    details = {"title": title, "held_on": held_on.isoformat()}
    audit.append(session, identity, Tag.EXERCISE_CREATE, subject=("exercise", exercise.id), details=details)
    return exercise


def list_exercises(
    session: Session,
    identity: Identity,
    *,
    text: str | None = None,
    state: str | None = None,
    cursor: str | None = None,
    limit: int = 50,
) -> Page[Exercise]:
    """The exercises that the actor may see, newest first; every word of `text` is in the title or the scenario."""
    require(identity, Permission.EXERCISE_READ)
    organisation_id = identity.organisation_id
    if not sees_every_organisation(identity) and organisation_id is None:
        return Page([], None)
    owner = None if sees_every_organisation(identity) else organisation_id
    query = queries.exercises_of(owner, text=text, state=state)
    return paginate(session, query, Exercise.id, cursor=cursor, limit=limit)


def list_titles(session: Session, identity: Identity, *, limit: int = 100) -> list[tuple[UUID, str]]:
    """Id and title of the newest exercises that the actor may see: to choose from, at no more cost than that."""
    require(identity, Permission.EXERCISE_READ)
    everything = sees_every_organisation(identity)
    if not everything and identity.organisation_id is None:
        return []
    return queries.titles_of(session, None if everything else identity.organisation_id, limit=limit)


def get_exercise(session: Session, identity: Identity, exercise_id: UUID) -> Exercise:
    """One exercise. Raises NotFound where it does not exist or belongs to somebody else."""
    require(identity, Permission.EXERCISE_READ)
    return _find(session, identity, exercise_id)


def update_exercise(
    session: Session, identity: Identity, exercise_id: UUID, *, version: int, changes: Mapping[str, Any]
) -> Exercise:
    """Changes members of EDITABLE; the log tells what was there before.

    Raises StaleVersion when somebody saved since `version`, ExerciseClosed.
    """
    require(identity, Permission.EXERCISE_WRITE)
    exercise = _find(session, identity, exercise_id, lock=True)
    if exercise.version != version:
        raise StaleVersion
    if exercise.state != "open":
        raise ExerciseClosed
    if foreign := changes.keys() - EDITABLE:
        raise InvalidRequest(f"These members cannot be changed: {', '.join(sorted(foreign))}")
    _check_words(changes)
    before = {name: getattr(exercise, name) for name in changes}
    changed = {
        name: [_text(before[name]), _text(new)] for name, new in changes.items() if before[name] != new
    }
    for name in changed:
        setattr(exercise, name, changes[name])
    session.flush()
    if changed:
        details = {"changed": changed}
        audit.append(
            session, identity, Tag.EXERCISE_UPDATE, subject=("exercise", exercise.id), details=details
        )
    return exercise


def close_exercise(session: Session, identity: Identity, exercise_id: UUID) -> Exercise:
    """Ends the exercise: no new uploads, no further changes. Raises ExerciseClosed the second time."""
    require(identity, Permission.EXERCISE_WRITE)
    exercise = _find(session, identity, exercise_id, lock=True)
    if exercise.state != "open":
        raise ExerciseClosed
    exercise.state = "closed"
    exercise.closed_at = now()
    session.flush()
    audit.append(session, identity, Tag.EXERCISE_CLOSE, subject=("exercise", exercise.id))
    return exercise


def reopen_exercise(session: Session, identity: Identity, exercise_id: UUID) -> Exercise:
    """Opens a closed exercise again. Nothing that was frozen or released of it changes. Raises ExerciseOpen."""
    require(identity, Permission.EXERCISE_WRITE)
    exercise = _find(session, identity, exercise_id, lock=True)
    if exercise.state == "open":
        raise ExerciseOpen
    details = {"closed_at": exercise.closed_at.isoformat() if exercise.closed_at else None}
    exercise.state, exercise.closed_at = "open", None
    session.flush()
    audit.append(session, identity, Tag.EXERCISE_REOPEN, subject=("exercise", exercise.id), details=details)
    return exercise


def open_exercise(session: Session, identity: Identity, exercise_id: UUID) -> Exercise:
    """The exercise that footage is about to be added to, locked against closing. Raises NotFound, ExerciseClosed."""
    require(identity, Permission.UPLOAD_WRITE)
    exercise = _find(session, identity, exercise_id, lock=True)
    if exercise.state != "open":
        raise ExerciseClosed
    return exercise


def _find(session: Session, identity: Identity, exercise_id: UUID, *, lock: bool = False) -> Exercise:
    locking = {"of": Exercise} if lock else None
    exercise = session.get(Exercise, exercise_id, with_for_update=locking, populate_existing=lock)
    if exercise is None:
        raise NotFound
    require_same_organisation(identity, exercise.organisation_id)
    return exercise


def _text(value: Any) -> str | None:
    """A value as the log takes it: these words are the force's own about the exercise, and no footage."""
    if value is None or isinstance(value, str):
        return value
    return value.isoformat() if isinstance(value, date) else ", ".join(value)


def _check_words(values: Mapping[str, Any]) -> None:
    for name, vocabulary in VOCABULARIES.items():
        given = values.get(name, [])
        words = [given] if isinstance(given, str) else given
        if unknown := sorted(set(words) - vocabulary.keys()):
            raise InvalidRequest(f"{name}: {', '.join(unknown)} is not one of {', '.join(vocabulary)}")
    if values.get("weapons") == []:
        raise InvalidRequest("weapons: name at least one (or 'none')")
