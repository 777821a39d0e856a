"""The room that a force takes: right at every step of a file's life, and told as fast for many files as for few."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import event, text
from sqlalchemy.orm import Session

from app.core.db import Database
from app.custody import service as custody
from app.custody import tasks
from app.recordings import service as recordings
from app.recordings.models import Recording
from app.recordings.service import register
from app.settings import Settings
from app.storage.vault import Vault
from app.uploads import queries
from tests.factories.accounts import make_organisation
from tests.factories.custody import make_officer
from tests.factories.many import fill
from tests.factories.recordings import job_context
from tests.factories.upload_desk import DATA, Desk

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
        tasks.erase(job, erasure_id=erasure.id)
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


def test_no_force_is_told_of_anothers_room(database: Database) -> None:
    with database.transaction() as session:
        mine, theirs = (make_organisation(session).id for _ in range(2))
        queries.note_kept(session, mine, 7)
        assert queries.bytes_held(session, mine) == 7
        assert queries.bytes_held(session, theirs) == 0
