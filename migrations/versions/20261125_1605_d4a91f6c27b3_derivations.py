"""What is made of recordings on request: parts joined, clips cut anew, copies at a constant rate.

Down: a joined recording gets an upload of its own id, as every recording had one; clips of later sets are numbered on.

Revision: d4a91f6c27b3; created 2026-11-25 16:05:00.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "d4a91f6c27b3"
down_revision = "b17d3c9e5a42"
branch_labels = None
depends_on = None

_NUMBERED_ON = """
    UPDATE clips SET ordinal = numbered.place FROM (
        SELECT id, row_number() OVER (PARTITION BY recording_id ORDER BY clip_set, ordinal) - 1 AS place FROM clips
    ) AS numbered
    WHERE clips.id = numbered.id AND clips.ordinal <> numbered.place
"""
_UPLOADS = """
    INSERT INTO uploads (id, organisation_id, exercise_id, created_by_kind, created_by, filename, details, length,
        "offset", sha256, state, expires_at, created_at, updated_at, completed_at)
    SELECT id, organisation_id, exercise_id, 'system', id, filename, '{}', size,
        size, sha256, 'recorded', received_at, received_at, received_at, received_at
    FROM recordings WHERE upload_id IS NULL
    ON CONFLICT DO NOTHING
"""


def upgrade() -> None:
    op.create_table(
        "derivations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("recording_id", sa.Uuid(), nullable=False),
        sa.Column("exercise_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("parameters", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason_code", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("result", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("job_id", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("kind IN ('join', 'clips', 'cfr')", name=op.f("ck_derivations_kind")),
        sa.CheckConstraint("state IN ('open', 'done', 'failed')", name=op.f("ck_derivations_state")),
        *(
            sa.ForeignKeyConstraint(
                [f"{one}_id"], [f"{one}s.id"], name=op.f(f"fk_derivations_{one}_id_{one}s")
            )
            for one in ("recording", "exercise", "organisation")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_derivations")),
    )
    op.create_index(op.f("ix_derivations_exercise_id"), "derivations", ["exercise_id"], unique=False)
    op.create_index(
        "uq_derivations_recording_id_kind",
        "derivations",
        ["recording_id", "kind"],
        unique=True,
        postgresql_where="state = 'open'",
    )
    op.create_table(
        "recording_parts",
        sa.Column("joined_id", sa.Uuid(), nullable=False),
        sa.Column("part_id", sa.Uuid(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("start_frame", sa.Integer(), nullable=False),
        sa.Column("end_frame", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "start_frame >= 0 AND end_frame > start_frame", name=op.f("ck_recording_parts_interval")
        ),
        *(
            sa.ForeignKeyConstraint(
                [f"{one}_id"], ["recordings.id"], name=op.f(f"fk_recording_parts_{one}_id_recordings")
            )
            for one in ("joined", "part")
        ),
        sa.PrimaryKeyConstraint("joined_id", "part_id", name=op.f("pk_recording_parts")),
        sa.UniqueConstraint("joined_id", "ordinal", name=op.f("uq_recording_parts_joined_id_ordinal")),
    )
    op.create_index(op.f("ix_recording_parts_part_id"), "recording_parts", ["part_id"], unique=False)
    op.alter_column("recordings", "upload_id", nullable=True)
    op.add_column("recordings", sa.Column("part_of_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(
        op.f("fk_recordings_part_of_id_recordings"), "recordings", "recordings", ["part_of_id"], ["id"]
    )
    op.create_index(op.f("ix_recordings_part_of_id"), "recordings", ["part_of_id"], unique=False)
    op.add_column(
        "recordings", sa.Column("suggestion", postgresql.JSONB(astext_type=sa.Text()), nullable=True)
    )
    for table in ("recordings", "clips"):
        op.add_column(table, sa.Column("clip_set", sa.Integer(), server_default="1", nullable=False))
        op.alter_column(table, "clip_set", server_default=None)
    op.drop_constraint(op.f("uq_clips_recording_id_ordinal"), "clips", type_="unique")
    op.create_unique_constraint(
        op.f("uq_clips_recording_id_clip_set_ordinal"), "clips", ["recording_id", "clip_set", "ordinal"]
    )


def downgrade() -> None:
    op.drop_constraint(op.f("uq_clips_recording_id_clip_set_ordinal"), "clips", type_="unique")
    op.execute(_NUMBERED_ON)
    op.create_unique_constraint(op.f("uq_clips_recording_id_ordinal"), "clips", ["recording_id", "ordinal"])
    for table in ("clips", "recordings"):
        op.drop_column(table, "clip_set")
    op.drop_column("recordings", "suggestion")
    op.drop_column("recordings", "part_of_id")
    op.execute(_UPLOADS)
    op.execute("UPDATE recordings SET upload_id = id WHERE upload_id IS NULL")
    op.alter_column("recordings", "upload_id", nullable=False)
    op.drop_table("recording_parts")
    op.drop_table("derivations")
