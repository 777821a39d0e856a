"""Redactions, their regions and redacted clips; which footage a frozen version holds.

Revision: 4be957a00c57, after 6774bb9a100a; created 2026-11-25 07:39:06.025917.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "4be957a00c57"
down_revision = "6774bb9a100a"
branch_labels = None
depends_on = None


def upgrade() -> None:

    op.create_table(
        "redactions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("recording_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("approved_by", sa.Uuid(), nullable=True),
        sa.Column("approved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("job_id", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("rendered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("blob_key", sa.Text(), nullable=True),
        sa.Column("size", sa.BigInteger(), nullable=True),
        sa.Column("sha256", sa.LargeBinary(), nullable=True),
        sa.Column("made_by", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "state IN ('proposed', 'in_review', 'approved', 'rendering', 'rendered', 'failed')",
            name=op.f("ck_redactions_state"),
        ),
        sa.ForeignKeyConstraint(
            ["approved_by"], ["people.id"], name=op.f("fk_redactions_approved_by_people")
        ),
        sa.ForeignKeyConstraint(
            ["recording_id"], ["recordings.id"], name=op.f("fk_redactions_recording_id_recordings")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_redactions")),
        sa.UniqueConstraint("recording_id", "number", name=op.f("uq_redactions_recording_id_number")),
    )
    op.create_index(op.f("ix_redactions_state"), "redactions", ["state"], unique=False)
    op.create_table(
        "redacted_clips",
        sa.Column("clip_id", sa.Uuid(), nullable=False),
        sa.Column("redaction_id", sa.Uuid(), nullable=False),
        sa.Column("blob_key", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["clip_id"], ["clips.id"], name=op.f("fk_redacted_clips_clip_id_clips")),
        sa.ForeignKeyConstraint(
            ["redaction_id"], ["redactions.id"], name=op.f("fk_redacted_clips_redaction_id_redactions")
        ),
        sa.PrimaryKeyConstraint("clip_id", "redaction_id", name=op.f("pk_redacted_clips")),
    )
    op.create_index(op.f("ix_redacted_clips_redaction_id"), "redacted_clips", ["redaction_id"], unique=False)
    op.create_table(
        "redaction_regions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("redaction_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("decision", sa.Text(), nullable=False),
        sa.Column("style", sa.Text(), nullable=False),
        sa.Column("start_frame", sa.Integer(), nullable=False),
        sa.Column("end_frame", sa.Integer(), nullable=False),
        sa.Column("start_pts", sa.BigInteger(), nullable=False),
        sa.Column("end_pts", sa.BigInteger(), nullable=False),
        sa.Column("keyframes", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("score", sa.Double(), nullable=True),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "decision IN ('pending', 'accepted', 'rejected')", name=op.f("ck_redaction_regions_decision")
        ),
        sa.CheckConstraint(
            "kind IN ('face', 'screen', 'plate', 'voice', 'other')", name=op.f("ck_redaction_regions_kind")
        ),
        sa.CheckConstraint("source IN ('proposed', 'drawn')", name=op.f("ck_redaction_regions_source")),
        sa.CheckConstraint(
            "style IN ('blur', 'mask', 'mute', 'voice_change')", name=op.f("ck_redaction_regions_style")
        ),
        sa.CheckConstraint(
            "start_frame >= 0 AND end_frame > start_frame", name=op.f("ck_redaction_regions_interval")
        ),
        sa.ForeignKeyConstraint(
            ["decided_by"], ["people.id"], name=op.f("fk_redaction_regions_decided_by_people")
        ),
        sa.ForeignKeyConstraint(
            ["redaction_id"], ["redactions.id"], name=op.f("fk_redaction_regions_redaction_id_redactions")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_redaction_regions")),
    )
    op.create_index(
        op.f("ix_redaction_regions_redaction_id"), "redaction_regions", ["redaction_id"], unique=False
    )
    op.add_column(
        "dataset_items", sa.Column("footage", postgresql.JSONB(astext_type=sa.Text()), nullable=True)
    )


def downgrade() -> None:

    op.drop_column("dataset_items", "footage")
    op.drop_index(op.f("ix_redaction_regions_redaction_id"), table_name="redaction_regions")
    op.drop_table("redaction_regions")
    op.drop_index(op.f("ix_redacted_clips_redaction_id"), table_name="redacted_clips")
    op.drop_table("redacted_clips")
    op.drop_index(op.f("ix_redactions_state"), table_name="redactions")
    op.drop_table("redactions")
