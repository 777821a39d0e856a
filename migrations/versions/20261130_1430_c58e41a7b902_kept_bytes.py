"""How many bytes of finished uploads and joined recordings each organisation has: told by one row, and not by counting all of them.

Revision: c58e41a7b902; created 2026-11-30 14:30:00.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "c58e41a7b902"
down_revision = "7f3a9d25c610"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "kept_bytes",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("bytes >= 0", name=op.f("ck_kept_bytes_bytes")),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.id"],
            name=op.f("fk_kept_bytes_organisation_id_organisations"),
        ),
        sa.PrimaryKeyConstraint("organisation_id", name=op.f("pk_kept_bytes")),
    )
    op.execute(
        """
        INSERT INTO kept_bytes (organisation_id, bytes)
        SELECT organisation_id, sum(length) FROM (
            SELECT organisation_id, length FROM uploads
            WHERE state = 'recorded' AND joined_into IS NULL AND NOT EXISTS (
                SELECT FROM recordings WHERE recordings.id = uploads.id AND recordings.state = 'erased'
            )
            UNION ALL
            SELECT organisation_id, size FROM recordings WHERE upload_id IS NULL AND state <> 'erased'
        ) AS kept GROUP BY organisation_id
        """
    )
    op.create_index(
        "ix_uploads_unfinished",
        "uploads",
        ["organisation_id"],
        postgresql_where=sa.text("state IN ('created', 'receiving', 'received')"),
    )


def downgrade() -> None:
    op.drop_index("ix_uploads_unfinished", "uploads")
    op.drop_table("kept_bytes")
