"""Steps of an ingest, so that several workers share a recording and none does a step twice.

Revision: 3c1f0a7d52be; created 2026-11-25 08:00:00.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "3c1f0a7d52be"
down_revision = "c3fa25c5ddc1"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "ingest_steps",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("recording_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("frames", sa.Integer(), nullable=False),
        sa.Column("job_id", sa.BigInteger(), nullable=True),
        sa.Column("files", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["recording_id"], ["recordings.id"], name=op.f("fk_ingest_steps_recording_id_recordings")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ingest_steps")),
        sa.UniqueConstraint("recording_id", "name", name=op.f("uq_ingest_steps_recording_id_name")),
    )


def downgrade() -> None:
    op.drop_table("ingest_steps")
