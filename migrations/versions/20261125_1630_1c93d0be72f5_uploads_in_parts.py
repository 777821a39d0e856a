"""Uploads of unknown length, uploads in parts, and a lease for who writes to one.

Revision: 1c93d0be72f5; created 2026-11-25 16:30:00.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "1c93d0be72f5"
down_revision = "4d9a1c7be052"
branch_labels = None
depends_on = None

STATES = "state IN ('created', 'receiving', 'received', 'rejected', 'recorded'{more})"
UNKNOWN_NOW = "length IS NOT NULL OR state IN ('created', 'receiving', 'rejected')"


def upgrade() -> None:
    op.add_column("uploads", sa.Column("kind", sa.Text(), nullable=False, server_default="whole"))
    op.alter_column("uploads", "kind", server_default=None)
    op.add_column("uploads", sa.Column("joined_into", sa.Uuid(), nullable=True))
    op.add_column("uploads", sa.Column("place", sa.Integer(), nullable=True))
    op.alter_column("uploads", "length", nullable=True)
    op.create_foreign_key(
        op.f("fk_uploads_joined_into_uploads"), "uploads", "uploads", ["joined_into"], ["id"]
    )
    op.create_index(op.f("ix_uploads_joined_into"), "uploads", ["joined_into"])
    op.drop_constraint(op.f("ck_uploads_state"), "uploads", type_="check")
    op.create_check_constraint(op.f("ck_uploads_state"), "uploads", STATES.format(more=", 'joined'"))
    op.create_check_constraint(op.f("ck_uploads_kind"), "uploads", "kind IN ('whole', 'partial', 'final')")
    op.create_check_constraint(op.f("ck_uploads_length"), "uploads", UNKNOWN_NOW)
    op.create_table(
        "upload_writers",
        sa.Column("upload_id", sa.Uuid(), nullable=False),
        sa.Column("writer", sa.Uuid(), nullable=False),
        sa.Column("machine", sa.Text(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("release_wanted", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["upload_id"],
            ["uploads.id"],
            name=op.f("fk_upload_writers_upload_id_uploads"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("upload_id", name=op.f("pk_upload_writers")),
    )


def downgrade() -> None:
    """Parts, and files whose length nobody has said, have no place in the older schema: they are ended or removed."""
    op.drop_table("upload_writers")
    op.execute("DELETE FROM uploads WHERE kind = 'partial'")
    op.execute(
        "UPDATE uploads SET state = 'rejected', reason_code = 'terminated', length = \"offset\","
        " reason = 'Its length was never said: send the file again' WHERE length IS NULL"
    )
    op.drop_constraint(op.f("ck_uploads_length"), "uploads", type_="check")
    op.drop_constraint(op.f("ck_uploads_kind"), "uploads", type_="check")
    op.drop_constraint(op.f("ck_uploads_state"), "uploads", type_="check")
    op.create_check_constraint(op.f("ck_uploads_state"), "uploads", STATES.format(more=""))
    op.drop_index(op.f("ix_uploads_joined_into"), "uploads")
    op.drop_constraint(op.f("fk_uploads_joined_into_uploads"), "uploads", type_="foreignkey")
    op.alter_column("uploads", "length", nullable=False)
    op.drop_column("uploads", "place")
    op.drop_column("uploads", "joined_into")
    op.drop_column("uploads", "kind")
