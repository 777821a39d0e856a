"""Taxonomies, and the tasks that a ready recording opens."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.annotation import queries
from app.annotation.models import Task, Taxonomy
from app.annotation.taxonomy import FIREARM_ATTACK
from app.audit.events import Tag
from app.audit.service import append
from app.authz.permissions import Permission
from app.authz.predicates import require
from app.core.identity import SYSTEM, Identity
from app.core.ids import new_id
from app.recordings.models import Recording


def ensure_taxonomy(session: Session) -> Taxonomy:
    """The first taxonomy's row, written if it is not there yet; of two who write it at once one does."""
    name, version = FIREARM_ATTACK["name"], FIREARM_ATTACK["version"]
    found = queries.taxonomy(session, name, version)
    if found is not None:
        return found
    try:
        with session.begin_nested():
            made = Taxonomy(id=new_id(), name=name, version=version, definition=FIREARM_ATTACK)
            session.add(made)
            session.flush()
    except IntegrityError:
        found = queries.taxonomy(session, name, version)
        if found is None:
            raise
        return found
    append(session, SYSTEM, Tag.TAXONOMY_CREATE, subject=("taxonomy", made.id), details={"name": name})
    return made


def list_taxonomies(session: Session, identity: Identity) -> list[Taxonomy]:
    """Every taxonomy, oldest first."""
    require(identity, Permission.TAXONOMY_READ)
    return queries.taxonomies(session)


def open_tasks(session: Session, recording_id: UUID, *, quota: int = 1) -> list[Task]:
    """One task for each clip of a ready recording that counts; running it again opens nothing twice.

    Clips of a set that was cut anew, and those of a part of a joined recording, do not count: of their tasks those that
    nobody has taken are closed, and what was taken goes on.
    """
    taxonomy = ensure_taxonomy(session)
    recording = session.get(Recording, recording_id, with_for_update={"of": Recording})
    if recording is None or recording.state != "ready":
        return []
    _close_untaken(session, recording)
    clips = queries.clip_ids_that_count(session, recording)
    have = set(
        session.scalars(select(Task.clip_id).where(Task.clip_id.in_(clips), Task.taxonomy_id == taxonomy.id))
    )
    fresh = [
        Task(id=new_id(), clip_id=c, taxonomy_id=taxonomy.id, quota=quota) for c in clips if c not in have
    ]
    session.add_all(fresh)
    session.flush()
    for task in fresh:
        append(
            session,
            SYSTEM,
            Tag.TASK_CREATE,
            subject=("task", task.id),
            organisation_id=recording.organisation_id,
        )
    return fresh


def _close_untaken(session: Session, recording: Recording) -> None:
    """Removes tasks of clips that no longer count and that nobody has taken."""
    for task in queries.untaken_tasks(session, recording):
        session.delete(task)
        append(
            session,
            SYSTEM,
            Tag.TASK_CLOSE,
            subject=("task", task.id),
            details={"clip": str(task.clip_id), "reason": "its recording was joined or cut anew"},
            organisation_id=recording.organisation_id,
        )
    session.flush()
