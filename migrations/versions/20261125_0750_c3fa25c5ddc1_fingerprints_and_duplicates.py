"""Fingerprints of recordings, the index that finds near-duplicates, and whose place in the splits a clip took.

Revision: c3fa25c5ddc1, after 6774bb9a100a; created 2026-11-25 07:50:51.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "c3fa25c5ddc1"
down_revision = "5c1e0a7d2f44"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "duplicates",
        sa.Column("first_id", sa.Uuid(), nullable=False),
        sa.Column("second_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("first_share", sa.Double(), nullable=False),
        sa.Column("second_share", sa.Double(), nullable=False),
        sa.Column("first_stretches", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("second_stretches", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("found_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind IN ('exact', 'near')", name=op.f("ck_duplicates_kind")),
        sa.CheckConstraint("first_id <= second_id", name=op.f("ck_duplicates_order")),
        sa.CheckConstraint(
            "first_share BETWEEN 0 AND 1 AND second_share BETWEEN 0 AND 1", name=op.f("ck_duplicates_shares")
        ),
        sa.ForeignKeyConstraint(
            ["first_id"], ["recordings.id"], name=op.f("fk_duplicates_first_id_recordings")
        ),
        sa.ForeignKeyConstraint(
            ["second_id"], ["recordings.id"], name=op.f("fk_duplicates_second_id_recordings")
        ),
        sa.PrimaryKeyConstraint("first_id", "second_id", name=op.f("pk_duplicates")),
    )
    op.create_index(op.f("ix_duplicates_second_id"), "duplicates", ["second_id"], unique=False)
    op.create_table(
        "fingerprints",
        sa.Column("recording_id", sa.Uuid(), nullable=False),
        sa.Column("md5", sa.LargeBinary(), nullable=False),
        sa.Column("frames", sa.Integer(), nullable=False),
        sa.Column("comparable", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("compared_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["recording_id"], ["recordings.id"], name=op.f("fk_fingerprints_recording_id_recordings")
        ),
        sa.PrimaryKeyConstraint("recording_id", name=op.f("pk_fingerprints")),
    )
    op.create_index(op.f("ix_fingerprints_md5"), "fingerprints", ["md5"], unique=False)
    op.create_table(
        "frame_hashes",
        sa.Column("recording_id", sa.Uuid(), nullable=False),
        sa.Column("ordinal", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("pts", sa.BigInteger(), nullable=False),
        sa.Column("hash", postgresql.BIT(256), nullable=False),
        sa.Column("quality", sa.SmallInteger(), nullable=False),
        sa.Column("bands", postgresql.ARRAY(sa.Integer()), nullable=True),
        sa.CheckConstraint("quality BETWEEN 0 AND 100", name=op.f("ck_frame_hashes_quality")),
        sa.ForeignKeyConstraint(
            ["recording_id"], ["recordings.id"], name=op.f("fk_frame_hashes_recording_id_recordings")
        ),
        sa.PrimaryKeyConstraint("recording_id", "ordinal", name=op.f("pk_frame_hashes")),
    )
    op.create_index(
        "ix_frame_hashes_bands",
        "frame_hashes",
        ["bands"],
        unique=False,
        postgresql_using="gin",
        postgresql_with={"fastupdate": "off"},
    )
    op.add_column("dataset_items", sa.Column("split_by", sa.Uuid(), nullable=True))
    op.create_foreign_key(
        op.f("fk_dataset_items_split_by_exercises"), "dataset_items", "exercises", ["split_by"], ["id"]
    )
    op.create_index(op.f("ix_recordings_sha256"), "recordings", ["sha256"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_recordings_sha256"), table_name="recordings")
    op.drop_constraint(op.f("fk_dataset_items_split_by_exercises"), "dataset_items", type_="foreignkey")
    op.drop_column("dataset_items", "split_by")
    op.drop_index(
        "ix_frame_hashes_bands",
        table_name="frame_hashes",
        postgresql_using="gin",
        postgresql_with={"fastupdate": "off"},
    )
    op.drop_table("frame_hashes")
    op.drop_index(op.f("ix_fingerprints_md5"), table_name="fingerprints")
    op.drop_table("fingerprints")
    op.drop_index(op.f("ix_duplicates_second_id"), table_name="duplicates")
    op.drop_table("duplicates")
