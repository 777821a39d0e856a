"""Two people, or one with two browsers, at the same moment."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from uuid import UUID

import pytest
from sqlalchemy import func, select

from app.annotation import service
from app.annotation.models import Assignment, Task
from app.annotation.service import NothingToLabel, WrongState
from app.core.db import Database
from app.core.identity import Identity, Role
from app.storage.vault import Vault
from tests.factories.accounts import make_identity
from tests.factories.annotation import submitted
from tests.factories.recordings import make_ready_recording


def test_of_two_accepted_at_once_one_becomes_the_labels(database: Database, vault: Vault) -> None:
    with database.transaction() as session:
        recording = make_ready_recording(session, vault)
        service.open_tasks(session, recording.id, quota=2)
        reviewer = make_identity(session, Role.REVIEWER)
        first, second = (submitted(session, make_identity(session, Role.ANNOTATOR)) for _ in range(2))
        assert first.task_id == second.task_id
    with database.transaction() as slow:
        seen = service.get_assignment(slow, reviewer, second.id)
        assert seen.task.state == "open"
        with database.transaction() as fast:
            service.accept(fast, reviewer, assignment_id=first.id, version=first.version)
        with pytest.raises(WrongState):
            service.accept(slow, reviewer, assignment_id=second.id, version=second.version)
    with database.transaction() as session:
        assert session.get_one(Task, first.task_id).accepted_assignment_id == first.id


def test_a_quota_holds_when_many_ask_at_once(database: Database, vault: Vault) -> None:
    people, rounds = 4, 4
    with database.transaction() as session:
        annotators = [make_identity(session, Role.ANNOTATOR) for _ in range(people)]
        for number in range(rounds):
            recording = make_ready_recording(session, vault, data=bytes([number]))
            service.open_tasks(session, recording.id, quota=1)
    barrier = Barrier(people)

    def work(annotator: Identity) -> None:
        for _ in range(rounds):
            barrier.wait(30)
            with database.transaction() as session:
                try:
                    taken: UUID = service.take_next(session, annotator).id
                except NothingToLabel:
                    continue
                session.get_one(Assignment, taken).state = "submitted"

    with ThreadPoolExecutor(people) as pool:
        list(pool.map(work, annotators))
    with database.transaction() as session:
        shares = select(func.count()).select_from(Assignment).group_by(Assignment.task_id)
        assert set(session.scalars(shares)) == {1}
