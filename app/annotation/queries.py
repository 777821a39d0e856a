"""What the annotation feature reads."""

from __future__ import annotations

from collections.abc import Collection
from typing import TypeVar
from uuid import UUID

from sqlalchemy import Select, and_, func, select
from sqlalchemy.orm import Session, aliased, selectinload

from app.annotation.models import Annotation, Assignment, Task, Taxonomy
from app.core.pagination import Page, paginate
from app.recordings.models import Clip, Recording

T = TypeVar("T")
WORKABLE = ("open", "in_progress", "returned")


def taxonomy(session: Session, name: str, version: str) -> Taxonomy | None:
    """One taxonomy by name and version."""
    return session.scalar(select(Taxonomy).where(Taxonomy.name == name, Taxonomy.version == version))


def taxonomies(session: Session) -> list[Taxonomy]:
    """All of them, oldest first."""
    return list(session.scalars(select(Taxonomy).order_by(Taxonomy.id)))


def unfinished_assignment(session: Session, person_id: UUID) -> Assignment | None:
    """What the person has begun or was sent back; returned work first."""
    return session.scalar(
        select(Assignment)
        .join(Assignment.task)
        .join(Clip, Clip.id == Task.clip_id)
        .join(Recording, Recording.id == Clip.recording_id)
        .where(Assignment.person_id == person_id, Assignment.state.in_(WORKABLE), Recording.state == "ready")
        .order_by(Assignment.state.desc(), Assignment.id)
        .limit(1)
    )


def next_open_task(session: Session, person_id: UUID) -> Task | None:
    """The oldest task that still wants annotators and is not the person's yet; locked, skipping what others take."""
    query = _takeable(select(Task), person_id).order_by(Task.id).limit(1)
    while (found := session.scalar(query.with_for_update(skip_locked=True, of=Task))) is not None:
        # counted before the lock was ours: whoever held it may have taken the last place
        if session.scalar(_takeable(select(Task.id), person_id).where(Task.id == found.id)):
            break
    return found


def clip_ids_that_count(session: Session, recording: Recording) -> list[UUID]:
    """The clips of a recording that are to be labelled: its newest set; none of a part of a joined recording."""
    if recording.part_of_id is not None:
        return []
    query = select(Clip.id).where(Clip.recording_id == recording.id, Clip.clip_set == recording.clip_set)
    return list(session.scalars(query.order_by(Clip.ordinal)))


def untaken_tasks(session: Session, recording: Recording) -> list[Task]:
    """Tasks of the recording's other clips that nobody has taken; locked, so that nobody takes them now."""
    counting = clip_ids_that_count(session, recording)
    query = select(Task).join(Clip, Clip.id == Task.clip_id)
    query = query.where(Clip.recording_id == recording.id, Clip.id.not_in(counting)).order_by(Task.id)
    held = list(session.scalars(query.with_for_update(skip_locked=True, of=Task)))
    # asked once the locks are ours: whoever held one may have taken the task
    taken = set(
        session.scalars(select(Assignment.task_id).where(Assignment.task_id.in_([task.id for task in held])))
    )
    return [task for task in held if task.id not in taken]


def open_task_count(session: Session, person_id: UUID) -> int:
    """How many tasks the person could take."""
    query = _takeable(select(func.count(Task.id)), person_id)
    return int(session.scalar(query) or 0)


def _takeable(query: Select[T], person_id: UUID) -> Select[T]:
    """Tasks of ready recordings that still want annotators and are not the person's yet."""
    taken = select(func.count()).where(Assignment.task_id == Task.id).correlate(Task).scalar_subquery()
    mine = aliased(Assignment)
    return (
        query.join(Clip, Clip.id == Task.clip_id)
        .join(Recording, Recording.id == Clip.recording_id)
        .outerjoin(mine, and_(mine.task_id == Task.id, mine.person_id == person_id))
        .where(Task.state == "open", Recording.state == "ready", mine.id.is_(None), taken < Task.quota)
    )


def page_of_assignments(
    session: Session,
    *,
    person_id: UUID | None,
    not_person_id: UUID | None,
    states: Collection[str],
    cursor: str | None,
    limit: int,
) -> Page[Assignment]:
    """Assignments of one person, or of everyone but one (a reviewer sees no work of their own)."""
    query: Select[Assignment] = select(Assignment).where(Assignment.task_id.not_in(_hidden()))
    if person_id is not None:
        query = query.where(Assignment.person_id == person_id)
    if not_person_id is not None:
        query = query.where(Assignment.person_id != not_person_id)
    if states:
        query = query.where(Assignment.state.in_(states))
    return paginate(session, query, Assignment.id, cursor=cursor, limit=limit)


def page_of_tasks(session: Session, *, state: str | None, cursor: str | None, limit: int) -> Page[Task]:
    """Tasks, newest first."""
    query: Select[Task] = select(Task).where(Task.id.not_in(_hidden()))
    query = query.options(selectinload(Task.assignments))
    if state:
        query = query.where(Task.state == state)
    return paginate(session, query, Task.id, cursor=cursor, limit=limit)


def _hidden() -> Select[UUID]:
    """Tasks of quarantined recordings: nobody who labels or reviews knows of them any more."""
    clips = select(Task.id).join(Clip, Clip.id == Task.clip_id)
    return clips.join(Recording, Recording.id == Clip.recording_id).where(Recording.state == "quarantined")


def task_counts(session: Session) -> dict[str, int]:
    """How many tasks there are in each state."""
    counted = select(Task.state, func.count()).where(Task.id.not_in(_hidden())).group_by(Task.state)
    rows = session.execute(counted)
    return {state: int(count) for state, count in rows}


def accepted_annotations(
    session: Session, clip_ids: Collection[UUID]
) -> dict[UUID, tuple[Task, list[Annotation]]]:
    """For each labelled clip of those asked for: its task and the annotations of the accepted assignment."""
    tasks = session.scalars(
        select(Task).where(Task.clip_id.in_(clip_ids), Task.state == "labelled").order_by(Task.id)
    ).all()
    by_assignment: dict[UUID, list[Annotation]] = {}
    wanted = [t.accepted_assignment_id for t in tasks]
    for annotation in session.scalars(
        select(Annotation)
        .where(Annotation.assignment_id.in_(wanted))
        .order_by(
            Annotation.start_frame, Annotation.end_frame, Annotation.kind, Annotation.label, Annotation.id
        )
    ):
        by_assignment.setdefault(annotation.assignment_id, []).append(annotation)
    return {
        t.clip_id: (t, by_assignment.get(t.accepted_assignment_id, []))
        for t in tasks
        if t.accepted_assignment_id
    }


def labelled_clip_ids(session: Session) -> list[UUID]:
    """Every clip of a ready recording that counts and whose labels are accepted, oldest first."""
    return list(
        session.scalars(
            select(Clip.id)
            .join(Task, Task.clip_id == Clip.id)
            .join(Recording, Recording.id == Clip.recording_id)
            .where(Task.state == "labelled", Recording.state == "ready")
            .where(Recording.part_of_id.is_(None), Clip.clip_set == Recording.clip_set)
            .order_by(Clip.id)
        )
    )


def is_assigned(session: Session, person_id: UUID, clip_id: UUID) -> bool:
    """True when the person has, or had, an assignment of that clip."""
    query = select(Assignment.id).join(Assignment.task)
    query = query.where(Assignment.person_id == person_id, Task.clip_id == clip_id)
    return session.scalar(query.limit(1)) is not None
