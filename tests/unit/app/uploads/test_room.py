"""The room that a force takes: right at every step of a file's life, and told as fast for many files as for few."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest
from sqlalchemy import event, text
from sqlalchemy.orm import Session

from app.core.db import Database
from app.custody import service as custody
from app.custody import tasks as custody_tasks
from app.exercises.models import Exercise
from app.recordings import service as recordings
from app.recordings.models import Recording
from app.recordings.service import register
from app.settings import Settings
from app.storage.vault import Vault
from app.uploads import queries, service, tasks
from app.uploads.models import Upload
from tests.factories.accounts import make_organisation
from tests.factories.custody import make_officer
from tests.factories.many import fill
from tests.factories.recordings import job_context, make_recording
from tests.factories.upload_desk import DATA, Desk
from tests.factories.uploads import make_upload

COUNTED = text(
    """
    SELECT coalesce(sum(coalesce(length, "offset")), 0) FROM uploads
    WHERE organisation_id = :owner AND state <> 'rejected' AND joined_into IS NULL
      AND NOT EXISTS (SELECT FROM recordings WHERE recordings.id = uploads.id AND recordings.state = 'erased')
    """
)


def _held(session: Session, owner: UUID) -> int:
    """As told, which must be what counting all of it gives."""
    told = queries.bytes_held(session, owner)
    assert told == session.scalar(COUNTED, {"owner": owner})
    return told


def test_it_is_right_from_the_first_byte_to_the_erasure(
    desk: Desk, vault: Vault, database: Database, settings: Settings
) -> None:
    owner = desk.exercise.organisation_id

    def held() -> int:
        with database.transaction() as session:
            return _held(session, owner)

    assert held() == 0
    upload = desk.create()
    assert held() == len(DATA)
    desk.complete(desk.send(upload, DATA))
    assert held() == len(DATA)
    for _ in range(2):  # a job may run twice
        register(database, vault, desk.staging, upload.id, job_id=1, attempt_key="1-1", check=lambda: None)
        assert held() == len(DATA)
    other = desk.create(5)
    assert held() == len(DATA) + 5
    with database.transaction() as session:
        recording = session.get_one(Recording, upload.id)
        first, second = (make_officer(session, recording) for _ in range(2))
        recordings.withdraw(session, first, upload.id, reason="Consent taken back")
        custody.request_erasure(session, first, upload.id, reason="Consent taken back")
        erasure = custody.confirm_erasure(session, second, upload.id)
    assert held() == len(DATA) + 5
    for attempt in (1, 2):
        job = job_context(database, settings, vault, job_id=77, attempt=attempt)
        custody_tasks.erase(job, erasure_id=erasure.id)
        assert held() == 5
    assert other.state == "created"


def test_finished_uploads_are_not_counted_one_by_one(database: Database) -> None:
    with database.transaction() as session:
        owner = make_organisation(session).id
        fill(session, owner, 10_000)
        queries.note_kept(session, owner, 10_000)
    with database.transaction() as session:
        session.execute(text("ANALYZE uploads"))
    with database.transaction() as session:
        assert _held(session, owner) == 10_000
        asked: list[tuple[str, object]] = []
        connection = session.connection()
        event.listen(connection, "before_cursor_execute", lambda *a: asked.append((a[2], a[3])))
        queries.bytes_held(session, owner)
        (statement, values), *_ = asked
        plan = "\n".join(connection.exec_driver_sql(f"EXPLAIN {statement}", values).scalars())
    assert "ix_uploads_unfinished" in plan
    assert "Seq Scan on uploads" not in plan


def test_a_sum_that_is_wrong_keeps_nothing_from_being_erased(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    with database.transaction() as session:
        owner = make_organisation(session).id
        queries.note_kept(session, owner, 7)
        queries.note_kept(session, owner, -5)
        assert not caplog.records
        queries.note_kept(session, owner, -5)
        assert queries.bytes_held(session, owner) == 0
        queries.note_kept(session, owner, 3)
        assert queries.bytes_held(session, owner) == 3
    (said,) = caplog.records
    assert (said.levelname, said.kept, said.more) == ("WARNING", 2, -5)  # type: ignore[attr-defined]


@pytest.mark.parametrize("wrong", [-3, 0, 4])
def test_a_sum_that_is_wrong_is_mended(
    database: Database, settings: Settings, vault: Vault, wrong: int, caplog: pytest.LogCaptureFixture
) -> None:
    with database.transaction() as session:
        kept = make_recording(session, vault, data=b"kept film")
        erased = make_recording(session, vault, data=b"erased", exercise=kept.exercise)
        joined = make_recording(session, vault, data=b"joined", exercise=kept.exercise)
        make_upload(session, exercise=kept.exercise, state="rejected")
        make_upload(session, exercise=kept.exercise, state="recorded", kind="partial", joined_into=kept.id)
        queries.note_kept(session, kept.organisation_id, -len(b"erased") + wrong)
        erased.state = "erased"
        upload = session.get_one(Upload, joined.upload_id)
        upload.state, joined.upload_id = "rejected", None
    for _ in range(2):
        tasks.recount(job_context(database, settings, vault))
        with database.transaction() as session:
            assert queries.bytes_held(session, kept.organisation_id) == len(b"kept film" + b"joined")
    missed = [one.missed for one in caplog.records]  # type: ignore[attr-defined]
    assert missed == ([-wrong] if wrong else [])


def test_what_is_kept_while_it_is_counted_anew_is_counted_once(database: Database, vault: Vault) -> None:
    with database.transaction() as session:
        first = make_recording(session, vault, data=b"first")
    with ThreadPoolExecutor(1) as beside, database.transaction() as session:
        make_recording(session, vault, data=b"second", exercise=session.get_one(Exercise, first.exercise_id))
        counting = beside.submit(service.recount, database)
        with pytest.raises(TimeoutError):
            counting.result(timeout=0.5)
        session.commit()
        counting.result(timeout=30)
        assert queries.bytes_held(session, first.organisation_id) == len(b"first" + b"second")


def test_no_force_is_told_of_anothers_room(database: Database) -> None:
    with database.transaction() as session:
        mine, theirs = (make_organisation(session).id for _ in range(2))
        queries.note_kept(session, mine, 7)
        assert queries.bytes_held(session, mine) == 7
        assert queries.bytes_held(session, theirs) == 0
