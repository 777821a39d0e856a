"""Thousands of exercises and recordings as rows, written by the database itself, with no bytes: for plans, benches."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

_ID = "('01900000-0000-7000-8000-' || lpad(to_hex({}), 12, '0'))::uuid"
_STATE = "(ARRAY['ready', 'ready', 'ready', 'processing', 'withdrawn'])[1 + n % 5]"
_STATEMENTS = (
    f"""INSERT INTO exercises (id, organisation_id, title, held_on, venue, scenario, weapons, lighting,
        retention_category, state, version, created_at)
    SELECT {_ID.format("n")}, :owner, 'Drill ' || lpad(n::text, 5, '0'), DATE '2026-01-01', 'indoor', 'A search',
        ARRAY['none'], 'dark', 'training_1y', 'open', 1, now() FROM generate_series(1, :exercises) n""",
    f"""INSERT INTO data_keys (id, subject_kind, subject_id, wrapped, master_key_id, created_at)
    VALUES ({_ID.format("1")}, 'recording', {_ID.format("1")}, 'x', 'k', now())""",
    f"""INSERT INTO uploads (id, organisation_id, exercise_id, created_by_kind, created_by, filename, details, length,
        "offset", kind, state, expires_at, created_at, updated_at)
    SELECT {_ID.format("n")}, :owner, {_ID.format("1 + n % :exercises")}, 'person', :owner,
        'patrol_' || lpad(n::text, 6, '0') || '.mp4', '{{}}', 1, 1, 'whole', 'recorded', now(), now(), now()
    FROM generate_series(1, :rows) n""",
    f"""INSERT INTO recordings (id, organisation_id, exercise_id, upload_id, data_key_id, filename, sha256, size,
        blob_key, received_at, state, attempt, clip_set, details_version, camera, reference, duration_seconds)
    SELECT {_ID.format("n")}, :owner, {_ID.format("1 + n % :exercises")}, {_ID.format("n")}, {_ID.format("1")},
        'patrol_' || lpad(n::text, 6, '0') || '.mp4', sha256(n::text::bytea), 1, 'x',
        TIMESTAMPTZ '2026-01-01' + n * INTERVAL '1 minute', {_STATE}, 1, 1, 1, 'AX-' || n % 40, 'E/' || n, 60
    FROM generate_series(1, :rows) n""",
)
_AT_WORK = (
    """UPDATE recordings SET state = 'processing', job_id = 4 * place
    FROM (SELECT id, row_number() OVER (ORDER BY id) AS place FROM recordings) AS placed
    WHERE placed.id = recordings.id""",
    """INSERT INTO procrastinate_jobs (id, queue_name, task_name, priority, args, status, attempts)
    SELECT job_id - k, 'media', 'recordings.encode', 0, '{}', 'todo', 0 FROM recordings, generate_series(0, 3) k""",
    """INSERT INTO job_progress (job_id, attempt, subject_kind, subject_id, step, done, unit, updated_at, worker)
    SELECT job_id, 1, 'recording', id, 'plan', 0, '', now(), 'w:1' FROM recordings""",
    """INSERT INTO ingest_steps (id, recording_id, name, key, frames, job_id, created_at)
    SELECT gen_random_uuid(), id, 'encode-000' || k, 'k', 1800, job_id - k, now()
    FROM recordings, generate_series(1, 3) k""",
)


def fill(session: Session, owner: UUID, rows: int, *, per_exercise: int = 2) -> None:
    """`rows` recordings of a force, two an exercise unless told: each with the upload that it was."""
    values = {"owner": owner, "rows": rows, "exercises": rows // per_exercise}
    for statement in _STATEMENTS:
        session.execute(text(statement), values)


def put_to_work(session: Session) -> None:
    """All recordings wait in a queue, each planned in three steps."""
    for statement in _AT_WORK:
        session.execute(text(statement))
