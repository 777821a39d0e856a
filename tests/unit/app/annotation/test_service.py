"""The way of one assignment: taken, saved, submitted, returned, accepted; and who may not."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from app.annotation import service
from app.annotation.labels import Label, LabelRefused
from app.annotation.models import Annotation, Task
from app.audit.events import Tag
from app.audit.models import AuditEvent
from app.core.db import Database
from app.core.errors import Forbidden, NotFound, StaleVersion
from app.core.identity import Role
from app.storage.vault import Vault
from tests.factories.accounts import make_identity
from tests.factories.annotation import steady_ledger, submitted
from tests.factories.recordings import make_ready_recording


def test_tasks_are_opened_once_a_clip(database: Database, vault: Vault) -> None:
    with database.transaction() as session:
        recording = make_ready_recording(session, vault)
        assert len(service.open_tasks(session, recording.id)) == 2
        assert service.open_tasks(session, recording.id) == []


def test_labels_are_saved_whole_with_pts_from_the_ledger(database: Database, vault: Vault) -> None:
    with database.transaction() as session:
        recording = make_ready_recording(session, vault)
        service.open_tasks(session, recording.id)
        annotator = make_identity(session, Role.ANNOTATOR)
        taken = service.take_next(session, annotator)
        for labels in (
            [Label("event", "gunshot", 3, 7), Label("tag", "indoor", 0, 50)],
            [Label("event", "siren", 40, 50)],
        ):
            taken = service.save_annotations(
                session,
                annotator,
                steady_ledger,
                assignment_id=taken.id,
                version=taken.version,
                labels=labels,
            )
        rows = session.scalars(select(Annotation).where(Annotation.assignment_id == taken.id)).all()
    assert [(r.label, r.start_pts, r.end_pts) for r in rows] == [("siren", 4000, 5000)]
    assert taken.state == "in_progress"


def test_a_stale_save_changes_nothing(database: Database, vault: Vault) -> None:
    with database.transaction() as session:
        recording = make_ready_recording(session, vault)
        service.open_tasks(session, recording.id)
        annotator = make_identity(session, Role.ANNOTATOR)
        taken = service.take_next(session, annotator)
        save = {"assignment_id": taken.id, "labels": [Label("event", "siren", 1, 2)]}
        first = taken.version
        service.save_annotations(session, annotator, steady_ledger, version=first, **save)
    with database.transaction() as session, pytest.raises(StaleVersion):
        service.save_annotations(
            session, annotator, steady_ledger, assignment_id=taken.id, version=first, labels=[]
        )
    with database.transaction() as session:
        assert len(service.get_assignment(session, annotator, taken.id).annotations) == 1


def test_a_refused_label_leaves_the_earlier_ones(database: Database, vault: Vault) -> None:
    with database.transaction() as session:
        recording = make_ready_recording(session, vault)
        service.open_tasks(session, recording.id)
        annotator = make_identity(session, Role.ANNOTATOR)
        taken = service.take_next(session, annotator)
        save = {"assignment_id": taken.id}
        taken = service.save_annotations(
            session,
            annotator,
            steady_ledger,
            version=taken.version,
            labels=[Label("event", "siren", 1, 2)],
            **save,
        )
    with database.transaction() as session, pytest.raises(LabelRefused):
        service.save_annotations(
            session,
            annotator,
            steady_ledger,
            version=taken.version,
            labels=[Label("event", "siren", 1, 51)],
            **save,
        )
    with database.transaction() as session:
        assert len(service.get_assignment(session, annotator, taken.id).annotations) == 1


def test_accepted_work_becomes_the_labels_and_is_closed(database: Database, vault: Vault) -> None:
    with database.transaction() as session:
        recording = make_ready_recording(session, vault)
        service.open_tasks(session, recording.id)
        annotator, reviewer = make_identity(session, Role.ANNOTATOR), make_identity(session, Role.REVIEWER)
        done = submitted(session, annotator)
        done = service.send_back(
            session, reviewer, assignment_id=done.id, version=done.version, reason="one frame late"
        )
        assert (done.state, done.return_reason) == ("returned", "one frame late")
        assert service.take_next(session, annotator).id == done.id  # returned work comes first
        done = service.submit(session, annotator, assignment_id=done.id, version=done.version)
        done = service.accept(session, reviewer, assignment_id=done.id, version=done.version)
        task = session.get_one(Task, done.task_id)
        assert (task.state, task.accepted_assignment_id) == ("labelled", done.id)
        with pytest.raises(service.WrongState):
            service.save_annotations(
                session, annotator, steady_ledger, assignment_id=done.id, version=done.version, labels=[]
            )
        tags = set(session.scalars(select(AuditEvent.tag).where(AuditEvent.subject_id == done.id)))
    assert {Tag.ANNOTATION_SUBMITTED, Tag.ANNOTATION_RETURNED, Tag.ANNOTATION_ACCEPTED} <= tags


def test_nobody_reviews_their_own_work(database: Database, vault: Vault) -> None:
    with database.transaction() as session:
        recording = make_ready_recording(session, vault)
        service.open_tasks(session, recording.id)
        both = make_identity(session, Role.ANNOTATOR, Role.REVIEWER)
        done = submitted(session, both)
        with pytest.raises(service.OwnWork):
            service.accept(session, both, assignment_id=done.id, version=done.version)
        assert service.list_assignments(session, both, states=["submitted"]).items == []


def test_another_annotators_assignment_is_not_there(database: Database, vault: Vault) -> None:
    with database.transaction() as session:
        recording = make_ready_recording(session, vault)
        service.open_tasks(session, recording.id)
        done = submitted(session, make_identity(session, Role.ANNOTATOR))
        with pytest.raises(NotFound):
            service.get_assignment(session, make_identity(session, Role.ANNOTATOR), done.id)
        with pytest.raises(Forbidden):
            service.get_assignment(session, make_identity(session, Role.ADMINISTRATOR), done.id)


def test_withdrawn_footage_is_gone_from_the_queue(database: Database, vault: Vault) -> None:
    with database.transaction() as session:
        recording = make_ready_recording(session, vault)
        service.open_tasks(session, recording.id)
        annotator = make_identity(session, Role.ANNOTATOR)
        taken = service.take_next(session, annotator)
        recording.state = "withdrawn"
        session.flush()
        with pytest.raises(NotFound):
            service.get_assignment(session, annotator, taken.id)
        with pytest.raises(service.NothingToLabel):
            service.take_next(session, annotator)


def test_a_quota_of_two_takes_two_people_and_no_third(database: Database, vault: Vault) -> None:
    with database.transaction() as session:
        recording = make_ready_recording(session, vault)
        tasks = service.open_tasks(session, recording.id, quota=2)
        people = [make_identity(session, Role.ANNOTATOR) for _ in range(3)]
        taken = [service.take_next(session, p) for p in people]
        assert taken[0].task_id == taken[1].task_id == tasks[0].id
        assert taken[2].task_id == tasks[1].id
