"""Finding recordings: what fits, and that the table's size costs nothing."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from sqlalchemy import Select, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Session

from app.core.db import Database
from app.core.identity import Identity, Role
from app.exercises import queries as exercise_queries
from app.exercises.models import Exercise
from app.recordings import queries, service
from app.recordings.models import Recording
from app.storage.vault import Vault
from tests.factories.accounts import make_identity
from tests.factories.exercises import make_exercise
from tests.factories.many import fill
from tests.factories.recordings import make_recording

ROWS = 5_000


def test_every_word_must_be_somewhere(database: Database, vault: Vault) -> None:
    with database.transaction() as session:
        officer = make_identity(session, Role.DATA_OFFICER)
        exercise = make_exercise(session, organisation_id=officer.organisation_id)
        make_recording(session, vault, exercise=exercise, data=b"1", filename="Patrol_A.MP4", camera="AX-7")
        make_recording(session, vault, exercise=exercise, data=b"2", filename="100%.mp4", notes="Hostage")
        make_recording(session, vault, exercise=exercise, data=b"3", reference="E/77", camera="Ax-9")
        make_recording(session, vault, data=b"4", filename="patrol_a.mp4")
    with database.transaction() as session:

        def found(asked: str) -> list[str]:
            page = service.list_recordings(session, officer, text=asked)
            return [one.reference or one.filename for one in page.items]

        assert found("patrol ax-7") == ["Patrol_A.MP4"]
        assert found("ax-") == ["E/77", "Patrol_A.MP4"]
        assert found("patrol ax-9") == []
        assert found("100%") == ["100%.mp4"]
        assert found("_") == ["Patrol_A.MP4"], "a pattern's sign is a letter like any other"
        assert found("HOSTAGE") == ["100%.mp4"]
        assert len(found("")) == 3
        day = service.list_recordings(session, officer, since=date(2000, 1, 1), until=date(2000, 1, 2))
        assert day.items == []
        ever = service.list_recordings(session, officer, since=date.min, until=date.max)
        assert len(ever.items) == 3


@pytest.fixture
def owner(database: Database) -> Identity:
    with database.transaction() as session:
        owner = make_identity(session, Role.DATA_OFFICER)
        fill(session, owner.organisation_id, ROWS)
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE"))
    return owner


def test_no_list_reads_a_whole_table(database: Database, owner: Identity) -> None:
    mine = owner.organisation_id
    with database.transaction() as session:
        one = session.scalars(exercise_queries.exercises_of(mine).limit(1)).one().id
        newest, exercises = Recording.id.desc(), Exercise.id.desc()
        asked: dict[str, Select[Any]] = {
            "all": queries.recordings_of(mine).order_by(newest),
            "state": queries.recordings_of(mine, state="rejected").order_by(newest),
            "exercise": queries.recordings_of(mine, exercise_id=one).order_by(newest),
            "rare word": queries.recordings_of(mine, text="patrol_004242").order_by(newest),
            "common word": queries.recordings_of(mine, text="patrol").order_by(newest),
            "nowhere": queries.recordings_of(mine, text="zzzzqqq").order_by(newest),
            "dates": queries.recordings_of(mine, since=date(2001, 1, 1), until=date(2001, 1, 2)).order_by(
                newest
            ),
            "exercises": exercise_queries.exercises_of(mine).order_by(exercises),
            "exercise by word": exercise_queries.exercises_of(mine, text="drill 00042").order_by(exercises),
        }
        scans = {name: _scanned(session, query.limit(51)) for name, query in asked.items()}
    assert {name: found for name, found in scans.items() if found} == {}


def _scanned(session: Session, query: Select[Any]) -> list[str]:
    """Tables of footage that the plan reads from end to end; the few organisations are read however it likes."""
    compiled = query.compile(dialect=postgresql.dialect(), compile_kwargs={"literal_binds": True})  # type: ignore[no-untyped-call]
    plan = session.connection().exec_driver_sql(f"EXPLAIN (FORMAT JSON) {str(compiled).replace('%', '%%')}")
    found: list[str] = []
    waiting = [plan.scalar_one()[0]["Plan"]]
    while waiting:
        node = waiting.pop()
        waiting += node.get("Plans", [])
        if node["Node Type"] == "Seq Scan" and node["Relation Name"] in (
            "recordings",
            "exercises",
            "uploads",
        ):
            found.append(node["Relation Name"])
    return found
