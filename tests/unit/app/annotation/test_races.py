"""Two people, or one with two browsers, at the same moment."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from uuid import UUID

import pytest
from sqlalchemy import func, select, text

from app.annotation import service
from app.annotation.models import Assignment, Task, Taxonomy
from app.annotation.service import NothingToLabel, WrongState
from app.core.db import Database
from app.core.identity import Identity, Role
from app.storage.vault import Vault
from tests.factories.accounts import make_identity
from tests.factories.annotation import submitted
from tests.factories.recordings import make_ready_recording


def wait_until_somebody_waits(database: Database) -> None:
    """Until a transaction waits for another to end."""
    deadline = time.monotonic() + 30
    with database.engine.connect() as connection:
        while not connection.scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted")):
            assert time.monotonic() < deadline, "nobody waits"
            time.sleep(0.01)


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


def test_of_two_first_recordings_at_once_both_get_tasks(database: Database, vault: Vault) -> None:
    """Each finds no taxonomy and writes it: one does, and the other's tasks are opened all the same."""
    with database.transaction() as session:
        recordings = [make_ready_recording(session, vault, data=data).id for data in (b"one", b"two")]

    def open_beside() -> int:
        with database.transaction() as session:
            return len(service.open_tasks(session, recordings[1]))

    with ThreadPoolExecutor(1) as pool:
        with database.transaction() as session:
            opened = len(service.open_tasks(session, recordings[0]))
            beside = pool.submit(open_beside)
            wait_until_somebody_waits(database)
        assert (opened, beside.result(30)) == (2, 2)
    with database.transaction() as session:
        assert session.scalar(select(func.count()).select_from(Taxonomy)) == 1
